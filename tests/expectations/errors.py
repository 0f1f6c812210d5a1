"""Diagnostics: texts with the offending parts between « and », one code and a part of the message for each."""

from table import File


def make():
    syntax()
    names()
    operands()
    statements()
    shapes()
    arrangements()
    races()


def announce(file, text, expected):
    """The lines of a text, each after the announcements of what is wrong in it."""
    left = list(expected)
    for line in text.strip("\n").split("\n"):
        clean, marks = "", []
        for c in line:
            if c == "«":
                marks.append((len(clean) + 1, None))
            elif c == "»":
                marks[-1] = (marks[-1][0], len(clean))
            else:
                clean += c
        for first, last in marks:
            code, message, *hints = left.pop(0)
            if last is None:
                columns = f"{first}-*"
            else:
                columns = f"{first}-{last}" if last >= first else f"{first}-"
            quoted = message.replace('"', '\\"')
            hint = "".join(f' hint "{text}"' for text in hints)
            file.lines.append(f'#! error {code} {columns} "{quoted}"{hint}')
        file.lines.append(clean)
    assert not left, (text, left)


def error(file, name, text, *expected, inputs=(), kernel=None):
    file.section(name)
    announce(file, text, expected)
    if inputs or kernel:
        file.case(None, "call", inputs, kernel=kernel)
    file.lines.append("")


F64, LINE, GRID = ("f64", "1"), ("f64", "[1, 2]"), ("f64", "[[1, 2], [3, 4]]")
WHOLE, TRUTH = ("i64", "1"), ("bool", "true")


def call(file, name, text, *expected, **inputs):
    """An error that needs argument types."""
    rows = [(key, ty, value) for key, (ty, value) in inputs.items()]
    error(file, name, text, *expected, inputs=rows, kernel=None if rows else "k")


def syntax():
    with File("errors/syntax.hl", "Every diagnostic of the parser.") as file:
        for name, text, *expected in (
            ("unknown character", "kernel k(a) = a «$»", ("E0010", "`$`")),
            ("lookalike", "kernel k(a) = a «×»", ("E0010", "`×`")),
            ("string without end", '@a«(»«"x)»\nkernel k() = 1', ("E0020", "`(` is not closed"), ("E0011", "does not end")),
            ("single quotes", "@a(«'x'»)\nkernel k() = 1", ("E0012", "single quotes")),
            ("number with a name behind it", "kernel k() = «2x»", ("E0013", "`2x` is not a number")),
            ("fraction with a whole suffix", "kernel k() = «1.5i32»", ("E0014", "`1.5` is not a whole number")),
            ("prefix without digits", "kernel k() = «0x» + 1", ("E0015", "no digits")),
            ("digit of another base", "kernel k() = «0b2»", ("E0016", "`2` is not a digit in base 2")),
            ("float too large", "kernel k() = «1e999»", ("E0017", "larger than any f64")),
            ("whole number too large", f"kernel k() = «{'9' * 45}»", ("E0018", "does not fit any integer type")),
            ("unclosed", "kernel k(a) {\n    let b = «(»a + 1\n    let c = b\n    c\n}", ("E0020", "`(` is not closed")),
            ("stray closer", "kernel k(a) = a«)»", ("E0021", "`)` closes nothing")),
            ("something else is needed", "kernel k(a) { let «3» = 1; a }", ("E0030", "expected")),
            ("statement outside", "«let» x = 1\nkernel k(a) = a", ("E0031", "expected `fn` or `kernel`")),
            ("missing operand", "kernel k(a) {\n    a * «/» a\n}", ("E0032", "expected an expression")),
            ("statement goes on", "kernel k(a) {\n    a.size «a»\n}", ("E0033", "expected the end of the statement")),
            ("no place", "kernel k(a) {\n    «f(a)» = 1\n}", ("E0034", "`f(a)` cannot be assigned to")),
            ("positional after keyword", "kernel k(a) = sum(axis=0, «a»)", ("E0035", "`a` follows a keyword argument")),
            ("repeated keyword", "kernel k(a) = sum(a, axis=0, «axis»=1)", ("E0036", "`axis` is given twice")),
            ("not behind an operator", "kernel k(a, b) = a == «not» b", ("E0037", "binds more loosely")),
            ("number called", "kernel k(a) = «2»(a)", ("E0038", "`2` is a number")),
            ("empty index", "kernel k(a) = a«[]»", ("E0039", "nothing stands between")),
            ("missing else", "kernel k(a) = if a > 0 then a«", ("E0040", "expected `else`")),
            ("default value", "kernel k(a «=» 1) = a", ("E0041", "`a` has a default value")),
            ("nested function", "kernel k(a) {\n    «fn» g() = 1\n    a\n}", ("E0042", "inside a body")),
            ("colon block", "kernel k(a)«:»\n    return a\n\nfn g(x) = x", ("E0043", "found `:`")),
            ("word of another language", "«def» k(a) { a }", ("E0044", "`def`")),
            ("attribute of nothing", "«@vectorize»\nlet x = 1", ("E0046", "`@vectorize` stands before no function")),
            ("increment", "kernel k(a) {\n    var x = a\n    x«++»\n    x\n}", ("E0047", "`++` is not an operator")),
            ("conditional of C", "kernel k(a) = a > 0 «?» a : 1", ("E0048", "cannot follow an expression")),
            ("conditional of Python", "kernel k(a) = a «if» a > 0 else 1", ("E0048", "`if` cannot follow")),
            ("assignment as a condition", "kernel k(a) {\n    if a «=» 1 { return 2 }\n    3\n}", ("E0049", "`=`")),
            ("string as a value", "kernel k(a) = f(«\"x\"»)", ("E0050", "a string is not a value")),
            ("bare tuple", "kernel k(a) {\n    return a«,» a\n}", ("E0051", "without parentheses")),
            ("misplaced mut", "kernel k(«mut» a: f64[:]) = a", ("E0052", "`mut` stands before the type")),
            ("rank as a number", "kernel k(a: f64[«3»]) = a", ("E0053", "expected `:` for each axis")),
            ("missing let", "kernel k(a) {\n    «x»: f64 = 1\n    x\n}", ("E0054", "`x` is declared without")),
            ("missing product sign", "kernel k(a) = «2 a»", ("E0055", "")),
            ("several at once", "kernel k(a) {\n    let x = «2z»\n    let y = a «$»\n    «x++»\n    x\n}".replace("«x++»", "x«++»"), ("E0013", "2z"), ("E0010", "$"), ("E0047", "++")),
        ):
            error(file, name, text, *expected)


def names():
    with File("errors/names.hl", "Names, declarations, calls.") as file:
        call(file, "unknown name", "kernel k(value) = «valeu» + 1", ("E0100", "`valeu` is not defined"), value=F64)
        call(file, "unknown name of a function", "kernel k(a) = a + «sqrt»", ("E0100", "`sqrt` is not defined"), a=F64)
        call(file, "assigned before it is declared", "kernel k(a) {\n    «x» = a\n    a\n}", ("E0100", "`x` is not defined"), a=F64)
        call(file, "unknown field", "kernel k(a) = a.«length»", ("E0100", "no field `length`"), a=LINE)
        call(file, "unknown function", "kernel k(a) = «sqroot»(a)", ("E0101", "there is no function `sqroot`"), a=F64)
        call(file, "hidden function", "kernel k(a) = «_float_rem»(a, a)", ("E0101", "there is no function"), a=F64)
        call(file, "variable called", "kernel k(a) = «a»(2)", ("E0101", "there is no function `a`"), a=F64)
        error(file, "function twice", "fn f(a) = a\nfn «f»(b) = b\nkernel k(a) = f(a)", ("E0102", "function `f` is defined twice"))
        error(file, "parameter twice", "kernel k(a, «a») = a", ("E0102", "parameter `a` is defined twice"))
        error(file, "unknown type", "kernel k(a: «double») = a", ("E0103", "there is no type `double`"))
        error(file, "unknown type of a result", "kernel k(a) -> «real» = a", ("E0103", "there is no type `real`"))
        error(file, "unknown attribute", "«@vectorise»\nfn f(a) = a\nkernel k(a) = f(a)", ("E0104", "there is no attribute `@vectorise`"))
        error(file, "argument of an attribute", "@vectorize(«speed = 3»)\nfn f(a) = a\nkernel k(a) = f(a)", ("E0104", "does not take this argument"))
        call(file, "too few arguments", "kernel k(a) = «copysign(a)»", ("E0110", "`copysign` takes 2 arguments, 1 given"), a=F64)
        call(file, "too many arguments", "fn f(x) = x\nkernel k(a) = «f(a, a)»", ("E0110", "`f` takes 1 argument, 2 given"), a=F64)
        call(file, "unknown keyword", "kernel k(a) = sum(a, «dim»=0)", ("E0110", "no keyword argument `dim`"), a=LINE)
        call(file, "axis without its name", "kernel k(a) = «sum(a, 0)»", ("E0110", "`sum` takes 1 array, 2 given"), a=LINE)
        call(file, "keepdims of a variable", "kernel k(a, b) = sum(a, keepdims=«b»)", ("E0110", "must be `true` or `false`"), a=LINE, b=TRUTH)
        call(file, "argument of another type", "kernel k(«a: f32[:]») = a", ("E0115", "parameter `a` is `f32[:]`, the argument is `f64[:]`"), a=LINE)
        call(file, "argument of another rank", "kernel k(«a: f64[:, :]») = a", ("E0115", "parameter `a` is `f64[:, :]`"), a=LINE)
        call(file, "scalar that does not fit", "kernel k(«a: i32») = a", ("E0115", "parameter `a` is `i32`"), a=F64)
        call(file, "recursion", "fn f(x) = «f(x)» + 1\nkernel k(a) = f(a)", ("E0140", "`f` calls itself"), a=F64)
        call(file, "recursion through another", "fn f(x) = g(x)\nfn g(x) = «f(x)»\nkernel k(a) = f(a)", ("E0140", "`f` calls itself"), a=F64)
        rows = [("a", "f64", "1")]
        error(file, "kernel called", "kernel f(x) = x\nkernel k(a) = «f(a)»", ("E0101", "`f` is a kernel"), inputs=rows, kernel="k")
        call(file, "two places", "kernel k(a) {\n    let x = «b» + 1\n    x + «c»\n}", ("E0100", "`b` is not defined"), ("E0100", "`c` is not defined"), a=F64)


def operands():
    with File("errors/operands.hl", "Operands that do not go together.") as file:
        x = dict(x=F64)
        call(file, "float with bit operator", "kernel k(x) = x «&» 1", ("E0111", "`&` needs integers or bools, not `f64`"), **x)
        half = dict(x=("f16", "[1, 2]"))
        call(file, "half with bit operator", "kernel k(x) = x «&» 1", ("E0111", "`&` needs integers or bools, not `f16[:]`"), **half)
        call(file, "half widened by a cast", "kernel k(x) = f32(x) «&» 1", ("E0111", "`&` needs integers or bools, not `f32[:]`"), **half)
        call(file, "sum of halves with bit operator", "kernel k(x) = (x + x) «&» 1", ("E0111", "`&` needs integers or bools, not `f32[:]`"), **half)
        call(file, "complement of a half", "kernel k(x) = «~x»", ("E0111", "`~` needs an integer or a bool, not `bf16`"), x=("bf16", "1"))
        call(file, "half as a truth", "kernel k(x) = not «x»", ("E0113", "a condition must be a bool, this is `f16[:]`"), **half)
        call(file, "half and bool", "kernel k(x, b) = x «+» b", ("E0113", "f16[:]"), b=TRUTH, **half)
        call(file, "float power sign", "kernel k(x) = x «^» 2", ("E0111", "`^` needs integers"), **x)
        call(file, "float shifted", "kernel k(x) = «x» << 1", ("E0111", "`<<` needs integers"), **x)
        call(file, "complement of a float", "kernel k(x) = «~x»", ("E0111", "`~` needs an integer or a bool"), **x)
        call(file, "minus a bool", "kernel k(b) = «-b»", ("E0111", "`-` needs a number"), b=TRUTH)
        call(file, "order of bools", "kernel k(b) = b «<» b", ("E0111", "`<` needs numbers"), b=TRUTH)
        call(file, "comparison of a comparison", "kernel k(x) = (x < 1) «<» true", ("E0111", "`<` needs numbers"), **x)
        call(file, "root of a bool", "kernel k(b) = «sqrt(b)»", ("E0111", "`sqrt` needs a number"), b=TRUTH)
        call(file, "length of a scalar", "kernel k(x) = len(«x»)", ("E0111", "`len` needs an array"), **x)
        call(file, "bits of an integer", "kernel k(i) = «bits(i)»", ("E0111", "`bits` needs a float"), i=WHOLE)
        call(file, "random of a float seed", "kernel k(i) = random(«1.5», i)", ("E0111", "`random` needs integers, not `number`", "cast it, for example `i64(…)`"), i=WHOLE)
        call(file, "random of a float index", "kernel k(x) = random(1, «x»)", ("E0111", "`random` needs integers, not `f64`", "cast it, for example `i64(…)`"), **x)
        call(file, "normal of a bool", "kernel k(b, i) = normal(«b», i)", ("E0111", "`normal` needs integers, not `bool`"), b=TRUTH, i=WHOLE)
        call(file, "any of numbers", "kernel k(x) = «any(x)»", ("E0111", "`any` needs bools"), x=LINE)
        call(file, "max of bools", "kernel k(b) = «max(b)»", ("E0111", "`max` needs numbers"), b=("bool", "[true]"))
        call(file, "product of bools", "kernel k(b) = «prod(b)»", ("E0111", "`prod` needs numbers"), b=("bool", "[true]"))
        call(file, "sine of a bool", "kernel k(b) = «sin(b)»", ("E0111", "`sin`"), b=TRUTH)
        for op in ("+", "-", "*", "//", "%", "<"):
            call(file, f"u64 {op.replace('<', 'less')} i64", f"kernel k(u, i) = min(u «{op}» i, u)" if op != "<" else "kernel k(u, i) = «max(u, i)»", ("E0112", "no integer type holds both"), u=("u64", "1"), i=WHOLE)
        for op in ("+", "-", "*", "/", "//", "%", "**"):
            call(file, f"bool {op} number", f"kernel k(b, x) = b «{op}» x", ("E0113", "a bool is not a number"), b=TRUTH, x=F64)
        call(file, "bool plus bool", "kernel k(b) = b «+» b", ("E0113", "a bool is not a number"), b=TRUTH)
        call(file, "number as a condition", "kernel k(i) = if «i» { 1 } else { 2 }", ("E0113", "a condition must be a bool, this is `i64`"), i=WHOLE)
        call(file, "not of a number", "kernel k(i) = not «i»", ("E0113", "a condition must be a bool"), i=WHOLE)
        call(file, "and of a number", "kernel k(i, b) = b and «i»", ("E0113", "a condition must be a bool"), i=WHOLE, b=TRUTH)
        call(file, "where of a number", "kernel k(i) = where(«i», 1, 2)", ("E0113", "a condition must be a bool"), i=WHOLE)
        call(file, "alternatives of two kinds", "kernel k(b, x) = «where(b, x, b)»", ("E0113", "a bool is not a number"), b=TRUTH, x=F64)
        call(file, "literal too large for i8", "kernel k(i) = i + «300»", ("E0114", "`300` does not fit in `i8`"), i=("i8", "1"))
        call(file, "negative literal with u8", "kernel k(i) = i + «-1»", ("E0114", "`-1` does not fit in `u8`"), i=("u8", "1"))
        call(file, "suffix too small", "kernel k(x) = x * «70000i16»", ("E0114", "`70000` does not fit in `i16`"), **x)
        call(file, "literal beyond 64 bits", "kernel k(x) = x * «99999999999999999999»", ("E0114", "does not fit"), **x)
        call(file, "negative literal power", "kernel k(i) = «i ** -2»", ("E0116", "negative power"), i=WHOLE)
        call(file, "array as a condition", "kernel k(x) {\n    var n = 0\n    while «x > 0» { n += 1 }\n    n\n}", ("E0117", "a condition must be one bool"), x=LINE)
        call(file, "array as a condition of if", "kernel k(x) {\n    var n = 0\n    if «x > 0» { n += 1 }\n    n\n}", ("E0117", "a condition must be one bool"), x=LINE)
        call(file, "matrix product with a number", "kernel k(x) = x «@» 2", ("E0111", "`@` needs two arrays"), x=GRID)
        call(file, "matrix product of bools", "kernel k(x) = «x» @ x", ("E0111", "`@` needs numbers"), x=("bool", "[[true, false], [false, true]]"))
        call(file, "dot of stacks", "kernel k(x) = «dot(x, x)»", ("E0160", "more than two axes"), x=("f64", "[[[1]]]"))
        call(file, "dot of one", "kernel k(x) = «dot(x)»", ("E0110", "`dot` takes 2 arguments"), x=LINE)
        for name, text, *expected in (
            ("order of complex numbers", "kernel k(x) = x «<» 2j", ("E0111", "which have no order", "compare `abs(")),
            ("largest of complex numbers", "kernel k(x) = «max(x, 2j)»", ("E0111", "`max` needs a real number", "`real(")),
            ("where complex numbers are largest", "kernel k(x) = «argmax(arange(3) * 2j)»", ("E0111", "`argmax` does not take complex numbers")),
            ("floor of a complex quotient", "kernel k(x) = 2j «//» x", ("E0111", "`//` needs a real number, not `c128`")),
            ("remainder of a complex number", "kernel k(x) = x «%» 2j", ("E0111", "`%` needs a real number, not `c128`")),
            ("complex to real", "kernel k(x) = «f64(x * 2j)»", ("E0111", "`f64` needs a real number, not `c128`", "`real(")),
            ("function of real numbers", "kernel k(x) = «erf(x * 2j)»", ("E0111", "`erf` needs a real number, not `c128`")),
            ("rounding of complex numbers", "kernel k(x) = «floor(x * 2j)»", ("E0111", "`floor` needs a real number, not `c128`")),
            ("complex condition", "kernel k(x) = if «x * 2j» { 1 } else { 2 }", ("E0113", "this is `c128`")),
            ("complex index", "kernel k(x) = arange(3)[«2j»]", ("E0121", "an index must be a whole number")),
            ("complex shift", "kernel k(x) = «2j» << 1", ("E0111", "`<<` needs integers")),
            ("complex bits", "kernel k(x) = 2j «&» 1", ("E0111", "`&` needs integers or bools")),
            ("complex into a real variable", "kernel k(x) {\n    let y: f64 = «x * 2j»\n    y\n}", ("E0121", "`y` is `f64`, the value is `c128`", "`real(")),
            ("complex into a real array", "kernel k(x) {\n    var y = zeros(2)\n    y[0] = «x * 2j»\n    y\n}", ("E0121", "`y` holds `f64`, the value is `c128`", "`abs(")),
            ("bool with complex", "kernel k(x) = (x > 0) «+» 2j", ("E0113", "a bool is not a number")),
            ("parts of bools", "kernel k(x) = «real(x > 0)»", ("E0111", "`real` needs a number, not `bool`")),
            ("complex product in prange", "kernel k(x) {\n    var p = 1 + 0j\n    for i in prange(3) {\n        «p *= x»\n    }\n    p\n}", ("E0160", "a product of complex numbers inside `prange`", "`prod(")),
        ):
            call(file, name, text, *expected, **x)
        call(file, "list without elements", "kernel k(x) = x + «[]»", ("E0121", "a list without elements has no element type", "`zeros(0)`"), x=LINE)
        call(file, "list of unequal rows", "kernel k(x) = [[x, 1], «[2]»]", ("E0121", "the first row has 2 elements, this one 1", "arrays have equal rows"), **x)
        call(file, "list of arrays and scalars", "kernel k(x) = [x, «1»]", ("E0121", "the first element is an array with 1 axis, this one a scalar"), x=LINE)
        call(file, "list of numbers and bools", "kernel k(x) = «[x, true]»", ("E0113", "a bool is not a number"), **x)
        call(file, "list with a number out of range", "kernel k() {\n    var a: i8[:] = [1, «300»]\n    a\n}", ("E0114", "`300` does not fit in `i8`"))
        call(file, "list in prange", "kernel k(x) {\n    var y = zeros_like(x)\n    «for i in prange(len(x))» {\n        y[i] = sum([x[i], 1])\n    }\n    y\n}", ("E0160", "array operations inside `prange`"), x=LINE)
        call(file, "index by floats", "kernel k(x, i) = x[«i»]", ("E0121", "indices must be whole numbers or bools"), x=LINE, i=("f64", "[0]"))
        call(file, "shape as a value", "kernel k(x) = «x.shape»", ("E0160", "a shape is not a value"), x=LINE)
        call(file, "offset outside a stencil", "kernel k(x) = x[«@-1»]", ("E0160", "relative offsets"), x=LINE)
        call(file, "tuple as a value", "kernel k(x) = x + «(x, x)»", ("E0121", "a tuple is not one value"), **x)


def statements():
    with File("errors/statements.hl", "Statements, assignments, results.") as file:
        x, a = dict(x=F64), dict(a=LINE)
        call(file, "let assigned", "kernel k(x) {\n    let y = x\n    «y» = 2.0\n    y\n}", ("E0120", "`y` cannot be assigned: it is bound by `let`"), **x)
        call(file, "parameter assigned", "kernel k(x) {\n    «x» = 2.0\n    x\n}", ("E0120", "`x` cannot be assigned: it is a parameter"), **x)
        call(file, "read-only array stored into", "kernel k(a: f64[:]) {\n    «a»[0] = 1.0\n    a[0]\n}", ("E0120", "it is a parameter that is only read"), **a)
        call(file, "loop variable assigned", "kernel k(x) {\n    var n = 0\n    for i in range(3) { «i» = 2; n += 1 }\n    n\n}", ("E0120", "it is the variable of a loop"), **x)
        call(file, "fraction into an integer array", "kernel k(a: mut i32[:]) {\n    «a[0] = 1.5»\n    a[0]\n}".replace("«a[0] = 1.5»", "a[0] = «1.5»"), ("E0121", "`a` holds `i32`"), a=("mut i32", "[1, 2]"))
        call(file, "annotated let", "kernel k(x) {\n    let n: i32 = «x»\n    n\n}", ("E0121", "`n` is `i32`, the value is `f64`"), **x)
        call(file, "result against its annotation", "kernel «k»(x) -> i32 = x", ("E0121", "the annotation says `i32`, the body gives `f64`"), **x)
        call(file, "mut scalar", "kernel k(x: «mut f64») = x", ("E0121", "only arrays can be `mut`"), **x)
        call(file, "value has more axes", "kernel k(a: mut f64[:], b) {\n    «a[:] = b»\n    a[0]\n}", ("E0121", "a value with 2 axes does not fit a place with 1"), a=("mut f64", "[1, 2]"), b=GRID)
        call(file, "names and values", "fn f(x) = (x, x)\nkernel k(x) {\n    «let (p, q, r) = f(x)»\n    p\n}", ("E0121", "3 names for 2 values"), **x)
        call(file, "fraction as an index", "kernel k(a, x) = a[«x»]", ("E0121", "an index must be a whole number"), a=LINE, x=F64)
        call(file, "fraction as a bound", "kernel k(a, x) = a[«x»:]", ("E0121", "a slice bound must be a whole number"), a=LINE, x=F64)
        call(file, "fraction as an extent", "kernel k(x) = zeros(«x»)", ("E0121", "an extent must be a whole number"), **x)
        call(file, "value not used", "kernel k(x) {\n    «x + 1»\n    x\n}", ("E0122", "this value is not used"), **x)
        call(file, "if without else", "kernel k(x) {\n    let y = «if x > 0 { 1 }»\n    y\n}", ("E0122", "has no `else`"), **x)
        call(file, "value in some places", "fn «f»(x) {\n    if x > 0 { return x }\n}\nkernel k(x) = f(x)", ("E0122", "`f` gives a value in some places"), **x)
        call(file, "several values as one", "fn f(x) = (x, x)\nkernel k(x) = «f(x)» + 1", ("E0122", "several values"), **x)
        error(file, "break outside", "kernel k(x) {\n    «break»\n    x\n}", ("E0123", "`break` stands outside a loop"), inputs=[("x", "f64", "1")])
        error(file, "continue outside", "kernel k(x) {\n    if x > 0 { «continue» }\n    x\n}", ("E0123", "`continue` stands outside a loop"), inputs=[("x", "f64", "1")])
        call(file, "loop over an array", "kernel k(a) {\n    var s = 0.0\n    for v in «a» { s += v }\n    s\n}", ("E0124", "a loop runs over a range"), **a)
        call(file, "loop over a call", "kernel k(a) {\n    var s = 0\n    for v in «enumerate(a)» { s += 1 }\n    s\n}", ("E0124", "a loop runs over a range"), **a)


def shapes():
    with File("errors/shapes.hl", "Indices and axes.") as file:
        call(file, "scalar indexed", "kernel k(x) = «x»[0]", ("E0130", "is a scalar and cannot be indexed"), x=F64)
        call(file, "too many indices", "kernel k(a) = «a[0, 1]»", ("E0130", "2 indices for an array with 1 axes"), a=LINE)
        call(file, "two ellipses", "kernel k(a) = a[..., «...»]", ("E0130", "one `...`"), a=GRID)
        call(file, "slice step zero", "kernel k(a) = a[::«0»]", ("E0130", "step 0"), a=LINE)
        call(file, "slice step of a variable", "kernel k(a, n) = a[::«n»]", ("E0121", "a slice's step must be a whole number"), a=LINE, n=("f64", "1"))
        call(file, "axis that is not there", "kernel k(a) = sum(a, axis=«1»)", ("E0131", "axis 1 does not exist"), a=LINE)
        call(file, "negative axis that is not there", "kernel k(a) = sum(a, axis=«-3»)", ("E0131", "axis -3 does not exist"), a=GRID)
        call(file, "axis twice", "kernel k(a) = sum(a, axis=(0, «-2»))", ("E0131", "axis 0 is named twice"), a=GRID)
        call(file, "axis of a variable", "kernel k(a, n) = sum(a, axis=«n»)", ("E0131", "an axis must be a literal"), a=GRID, n=WHOLE)
        call(file, "axis of shape", "kernel k(a) = shape(a, «2»)", ("E0131", "axis 2 does not exist"), a=GRID)
        new = ", ".join(["newaxis"] * 17)
        call(file, "too many axes", f"kernel k(a) = «a[{new}]»", ("E0141", "more than 16"), a=LINE)


def arrangements():
    ints = ("i64", "[0]")
    with File("errors/arrays.hl", "Arrangements, indices by arrays and masks that cannot be.") as file:
        call(file, "mask with too many axes", "kernel k(a, m) = «a[m]»", ("E0130", "2 indices for an array with 1 axes"), a=LINE, m=("bool", "[[true]]"))
        call(file, "stored through an immutable name", "kernel k(a, i) { «a»[i] = 1 }", ("E0120", "`a` cannot be assigned"), a=LINE, i=ints)
        call(file, "scatter into an immutable name", "kernel k(a, i) { scatter_min(«a», i, 1.0) }", ("E0120", "`a` cannot be assigned"), a=LINE, i=ints)
        call(file, "scatter into an expression", "kernel k(a, i) { scatter_max(«a + 1», i, 1.0) }", ("E0120", "only elements and slices of a named array"), a=LINE, i=ints)
        call(file, "scatter of two", "kernel k(a, i) { «scatter_max(a, i)» }", ("E0110", "`scatter_max` takes 3 arguments"), a=LINE, i=ints)
        call(file, "scatter to one index", "kernel k(a: mut f64[:]) { «scatter_min(a, 0, 1.0)» }", ("E0130", "`scatter_min` needs an array and an array of indices"), a=("mut f64", "[1, 2]"))
        call(file, "value with more axes than the place", "kernel k(a: mut f64[:], i, v) { «a[i]» = v }", ("E0121", "a value with 2 axes does not fit a place with 1"), a=("mut f64", "[1]"), i=ints, v=GRID)
        call(file, "masked value of the whole shape", "kernel k(a: mut f64[:, :], m, v) { a[m] = «v» }", ("E0121", "a mask selects values along one axis, these have 2"), a=("mut f64", "[[1]]"), m=("bool", "[[true]]"), v=GRID)
        call(file, "a caller's array replaced", "kernel k(a: mut f64[:]) { «a» = zeros(2) }", ("E0120", "it is an array of the caller's"), a=("mut f64", "[1, 2]"))
        call(file, "a wider value for a whole array", "kernel k(a: mut f64[:], b) { «a += b» }", ("E0121", "`a` is `f64[:]`, the value is `f64[:, :]`"), a=("mut f64", "[1, 2]"), b=GRID)
        call(file, "two open extents", "kernel k(a) = reshape(a, -1, «-1»)", ("E0110", "only one extent can be -1"), a=LINE)
        call(file, "no array to reshape", "kernel k(a) = reshape(«1», a)", ("E0111", "`reshape` needs an array"), a=WHOLE)
        call(file, "extent that is no whole number", "kernel k(a) = reshape(a, «0.5», 2)", ("E0121", "an extent must be a whole number"), a=LINE)
        call(file, "axes twice", "kernel k(a) = transpose(a, 0, «0»)", ("E0131", "axis 0 is named twice"), a=GRID)
        call(file, "too few axes", "kernel k(a) = «transpose(a, 1)»", ("E0131", "1 axes are named, the array has 2"), a=GRID)
        call(file, "axis out of range", "kernel k(a) = roll(a, 1, axis=«2»)", ("E0131", "axis 2 does not exist"), a=GRID)
        call(file, "squeeze without an axis", "kernel k(a) = «squeeze(a)»", ("E0110", "`squeeze` needs the axis"), a=GRID)
        call(file, "squeeze of all axes", "kernel k(a) = «squeeze(a, axis=0)»", ("E0131", "`squeeze` would leave no axis"), a=LINE)
        call(file, "new axis without a place", "kernel k(a) = «expand_dims(a)»", ("E0110", "`expand_dims` needs an array and one axis"), a=LINE)
        call(file, "outer of a matrix", "kernel k(a) = outer(«a», a)", ("E0111", "`outer` needs an array with one axis"), a=GRID)
        call(file, "nonzero of a matrix", "kernel k(a) = nonzero(«a»)", ("E0111", "`nonzero` needs an array with one axis"), a=GRID)
        call(file, "take by a mask", "kernel k(a, m) = take(a, «m»)", ("E0111", "`take` needs whole numbers"), a=LINE, m=("bool", "[true, false]"))
        call(file, "tile with too few counts", "kernel k(a) = «tile(a, 2)»", ("E0110", "1 counts for an array with 2 axes"), a=GRID)
        call(file, "diagonal of a cube", "kernel k(a) = diag(«a»)", ("E0111", "`diag` needs an array with one or two axes"), a=("f64", "fill(0, 1x1x1)"))
        call(file, "triangle of a line", "kernel k(a) = tril(«a»)", ("E0111", "`tril` needs an array with two axes or more"), a=LINE)
        call(file, "broadcast to fewer axes", "kernel k(a) = «broadcast_to(a, 3)»", ("E0121", "an array with 2 axes does not fit a shape with 1"), a=GRID)
        call(file, "joined with other ranks", "kernel k(a, b) = concat(a, «b»)", ("E0121", "the first array has 1 axes, this one has 2"), a=LINE, b=GRID)
        call(file, "joined bools and numbers", "kernel k(a, m) = «concat(a, m)»", ("E0113", "a bool is not a number"), a=LINE, m=("bool", "[true]"))
        call(file, "unknown element type", "kernel k(n) = zeros(n, dtype=«float»)", ("E0110", "this must be the name of an element type"), n=WHOLE)
        call(file, "unknown keyword", "kernel k(n) = zeros(n, «order»=1)", ("E0110", "`zeros` has no keyword argument `order`"), n=WHOLE)
        call(file, "transpose of a number", "kernel k(n) = «n».T", ("E0111", "`T` needs an array"), n=WHOLE)
        call(file, "full of an array", "kernel k(a) = full(«a», 2)", ("E0111", "`full` needs a scalar value"), a=LINE)
        call(file, "too many axes", "kernel k(a) = «stack(a, a)»", ("E0141", "this has 17 axes"), a=("f64", "fill(0, " + "x".join("1" * 16) + ")"))


def races():
    with File("errors/races.hl", "Parallel loops whose turns could meet.") as file:
        out = ("mut f64", "[1, 2, 3]")
        for name, line in (
            ("one element for all", "out[0] = a[i]"),
            ("every second turn the same", "out[i // 2] = a[i]"),
            ("neighbor read", "out[i] = out[i - 1]"),
            ("variable index", "out[n[i]] = a[i]"),
        ):
            file.section(name)
            file.lines += ["kernel k(a: f64[:], n: i64[:], out: mut f64[:]) {", "    for i in prange(1, len(a)) {"]
            file.lines.append(f'#! error E0150 9-{8 + len(line)} "the same element of `out`"')
            file.lines += [f"        {line}", "    }", "}"]
            file.case(None, "call", [("a", "f64", "[1, 2, 3]"), ("n", "i64", "[0, 0, 1]"), ("out", *out)])
        for name, line, columns in (
            ("last value wins", "s = a[i]", "9-16"),
            ("difference from the other side", "s = a[i] - s", "9-20"),
            ("two operators", "s = s * 2 + a[i]", "9-24"),
            ("value of some turn", "if a[i] > 2 { s = a[i] }", "23-30"),
        ):
            file.section(name)
            file.lines += ["kernel k(a: f64[:]) {", "    var s = 0.0", "    for i in prange(len(a)) {"]
            file.lines.append(f'#! error E0151 {columns} "`s` is shared by the iterations"')
            file.lines += [f"        {line}", "    }", "    s", "}"]
            file.case(None, "call", [("a", "f64", "[1, 2, 3]")])
