from __future__ import annotations

import pytest

# So that a case that fails shows what came and what was to come.
pytest.register_assert_rewrite("tests.enrollment.playing")
