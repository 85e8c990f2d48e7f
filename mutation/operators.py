"""Every small way to break a function, as one changed node of its syntax tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
NAMES = {
    "SOURCE": "TARGET",
    "TARGET": "SOURCE",
    "source": "target",
    "target": "source",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
}
"""What stands for its opposite, as a name or as an attribute."""
UNWRAPPED = {"sorted": "list", "abs": "int", "round": "float", "reversed": "iter", "in_order": "iter"}

type _Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to break a function: in its module's `tree`, `new` stands for `old`, as `change` says."""

    module: str
    function: str
    lines: tuple[int, ...]
    change: str
    tree: ast.Module
    old: ast.AST
    new: ast.AST

    def compiled(self) -> CodeType:
        """Return the broken module. The tree is changed for good: once in a process."""
        for parent in ast.walk(self.tree):
            for name, value in ast.iter_fields(parent):
                if value is self.old:
                    setattr(parent, name, self.new)
                elif isinstance(value, list):
                    value[:] = [self.new if each is self.old else each for each in value]
        ast.copy_location(self.new, self.old)
        return compile(ast.fix_missing_locations(self.tree), self.module, "exec")


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield all mutants of a module, from its first line to its last."""
    tree = ast.parse(source)
    for name, function in _functions(tree, ""):
        seen: set[str] = set()
        for place, node in _statements_and_below(function):
            for new in _broken(node):
                old_text, new_text = _text(node), _text(new)
                if old_text == new_text or f"{place.lineno} {node.col_offset} {new_text}" in seen:
                    continue
                seen.add(f"{place.lineno} {node.col_offset} {new_text}")
                yield Mutant(
                    module=module,
                    function=name,
                    lines=tuple(sorted({place.lineno, node.lineno})),
                    change=f"{old_text} → {new_text}",
                    tree=tree,
                    old=node,
                    new=new,
                )


def _text(node: ast.AST) -> str:
    """Return the code of a node on one line; of a branch its condition."""
    if isinstance(node, (ast.If, ast.While)):
        return f"if {ast.unparse(node.test)}"
    return " ".join(ast.unparse(node).split())


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{prefix}{child.name}", child


def _statements_and_below(function: _Function) -> Iterator[tuple[ast.stmt, ast.stmt | ast.expr]]:
    """Statements and expressions of a body with the statement they belong to; no docstring, no types."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    todo: list[tuple[ast.stmt, ast.AST]] = [(each, each) for each in reversed(body)]
    while todo:
        place, node = todo.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, (ast.stmt, ast.expr)):
            yield place, node
        skipped = {id(node.annotation)} if isinstance(node, ast.AnnAssign) else set()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast":
            skipped.add(id(node.args[0]))
        if isinstance(node, ast.FormattedValue):
            skipped.add(id(node.format_spec))
        todo += [
            (child if isinstance(child, ast.stmt) else place, child)
            for child in reversed(list(ast.iter_child_nodes(node)))
            if id(child) not in skipped
        ]


def _broken(node: ast.stmt | ast.expr) -> Iterator[ast.stmt | ast.expr]:
    yield from _without(node)
    yield from _decided(node)
    yield from _other_value(node)
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield _changed(node, ops=[*ops[:place], other(), *ops[place + 1 :]])
        case ast.BoolOp(op=op, values=values):
            yield _changed(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for place in range(len(values)):
                rest = values[:place] + values[place + 1 :]
                yield rest[0] if len(rest) == 1 else _changed(node, values=rest)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in OPERATORS:
            yield _changed(node, op=OPERATORS[type(op)]())
        case ast.Call(keywords=keywords):
            for place in range(len(keywords)):
                yield _changed(node, keywords=keywords[:place] + keywords[place + 1 :])


def _other_value(node: ast.AST) -> Iterator[ast.expr]:
    """Put another constant or name in the place of one."""
    match node:
        case ast.Constant(value=bool() as value):
            yield _changed(node, value=not value)
        case ast.Constant(value=int() as number):
            yield _changed(node, value=number + 1)
        case ast.Constant(value=str() as text):
            yield _changed(node, value=f"{text}?")
        case ast.Name(id=name) if name in NAMES or name in UNWRAPPED:
            yield _changed(node, id=NAMES.get(name) or UNWRAPPED[name])
        case ast.Attribute(attr="other", value=value):
            yield value
        case ast.Attribute(attr=name) if name in NAMES:
            yield _changed(node, attr=NAMES[name])


def _without(node: ast.AST) -> Iterator[ast.stmt]:
    """Leave a statement out, where the rest still makes sense."""
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Continue():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()


def _decided(node: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """Let a condition always or never hold."""
    match node:
        case ast.If():
            yield _changed(node, test=ast.Constant(value=True))
            yield _changed(node, test=ast.Constant(value=False))
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for place, part in enumerate(node.generators):
                if part.ifs:
                    free = _changed(part, ifs=[])
                    yield _changed(
                        node, generators=[*node.generators[:place], free, *node.generators[place + 1 :]]
                    )
        case ast.Return(value=ast.Compare() | ast.BoolOp() | ast.UnaryOp()):
            yield _changed(node, value=ast.Constant(value=True))
            yield _changed(node, value=ast.Constant(value=False))


def _changed[N: ast.AST](node: N, **fields: object) -> N:
    parts = {name: getattr(node, name, None) for name in node._fields} | fields
    return type(node)(**parts)
