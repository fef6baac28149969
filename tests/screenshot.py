"""Takes a picture of a page in headless Chromium: `python -m tests.screenshot URL FILE.png [HEIGHT]`.

The picture of the Temporal UI in the README was taken with it, of a play of `make run`.
"""

import shutil
import sys

from playwright.sync_api import sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
SETTLE_MS = 6_000


def take(url: str, file: str, height: int) -> None:
    """Write the page as a PNG, 1440 pixels wide."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": height})
        page.goto(url)
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1400)
