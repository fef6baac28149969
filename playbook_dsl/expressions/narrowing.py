"""What a condition tells about values that may be missing: behind `x is not missing` and `x > 3`, x is there."""

from playbook_dsl.expressions.tree import Arithmetic, Comparison, Field, Index, IsMissing, Logic, Name, Negative, Node, Not, path_of

Paths = frozenset[tuple[str, ...]]
NONE: Paths = frozenset()


def present_when(condition: Node, answer: bool) -> Paths:
    """Give the paths that are surely not missing when `condition` has come out as `answer`."""
    match condition:
        case IsMissing(operand=operand, negated=negated):
            return _inside(operand) if negated is answer else NONE
        case Not(operand=operand):
            return present_when(operand, not answer)
        case Logic(operator=operator, operands=operands) if (operator == "and") is answer:
            return frozenset().union(*(present_when(operand, answer) for operand in operands))
        case Comparison(left=left, right=right) if answer:
            return _inside(left) | _inside(right)
        case Name() | Field() | Index() if answer:
            return _inside(condition)
    return NONE


def _inside(value: Node) -> Paths:
    """Give the paths without which `value` would be missing, with all that they lie in."""
    match value:
        case Arithmetic(left=left, right=right):
            return _inside(left) | _inside(right)
        case Negative(operand=operand):
            return _inside(operand)
    path = path_of(value)
    return frozenset(path[:length] for length in range(1, len(path) + 1)) if path else NONE
