# Cases of strings, regular expressions, primitives, CustomCombo, the switch and PreviewAny.
S = ["Hello World", "", "  padded\t\n", "ÄÖÜ straße Σίσυφος ΟΔΟΣ", "ǆ ŉ ﬁ ß i̇ İstanbul ªb ⅷ ᾳ ᾲ", "they're bill's FRIENDS from the UK", "日本語 x1y 2nd", "a\u200bb\u00a0c", "😀 grin"]


def rx(string, regex_pattern, **more):
    return dict(string=string, regex_pattern=regex_pattern, **{"case_insensitive": True, "multiline": False, "dotall": False, **more})


def extract(string, regex_pattern, mode="First Match", group_index=1, **more):
    return dict(rx(string, regex_pattern, **more), mode=mode, group_index=group_index)


LINES = "first line\nSecond line\n\nthird: 42, 43; x=7\n"
CASES = {
    "StringConcatenate": [dict(string_a="a", string_b="b", delimiter=", "), dict(string_a="", string_b="", delimiter="\\n"), dict(string_a="ä", string_b="日", delimiter="")],
    "StringLength": [dict(string=s) for s in S],
    "StringSubstring": [dict(string="Hällo 😀 World", start=a, end=b) for a, b in ((0, 5), (6, 7), (-5, 99), (3, 3), (5, 2), (-3, -1), (0, -1), (-99, 2), (0, 0))],
    "CaseConverter": [dict(string=s, mode=m) for s in S for m in ("UPPERCASE", "lowercase", "Capitalize", "Title Case")],
    "StringTrim": [dict(string=s, mode=m) for s in ("  a b \t\n", "\u00a0\u3000x\u2003\u200b", "\x1c\x1fy\x85", "", "   ") for m in ("Both", "Left", "Right")],
    "StringReplace": [dict(string=s, find=f, replace=r) for s, f, r in (
        ("aaa", "a", "b"), ("aaa", "aa", "b"), ("abc", "", "-"), ("", "", "x"), ("Ünï", "n", "日"), ("a.b", ".", "\\1"), ("abc", "x", "y"), ("a\nb", "\n", " "), ("😀x", "", "_"))],
    "StringContains": [dict(string=s, substring=t, case_sensitive=c) for c in (True, False) for s, t in (
        ("Hello", "ell"), ("Hello", "ELL"), ("Hello", ""), ("", "x"), ("STRASSE", "straße"), ("ΟΔΟΣ", "οδος"), ("İ", "i"), ("Ä", "ä"))],
    "StringCompare": [dict(string_a=a, string_b=b, mode=m, case_sensitive=c) for m in ("Starts With", "Ends With", "Equal") for c in (True, False) for a, b in (
        ("Hello", "hE"), ("Hello", "He"), ("Hello", "LO"), ("Hello", "lo"), ("Hello", "hello"), ("Hello", "Hello"), ("", ""), ("ΟΔΟΣ", "οδος"))],
    "RegexMatch": [
        rx("Hello", "hel+o"), rx("Hello", "hel+o", case_insensitive=False), rx("Hello", "^ello"), rx("Hello", ""), rx("", "x"), rx("Hello", "("), rx("Hello", "*a"), rx("Hello", "[z-a]"),
        rx(LINES, "^second", multiline=True), rx(LINES, "^second"), rx(LINES, "line.second"), rx(LINES, "line.second", dotall=True), rx("a\n", r"a\Z"), rx("a\n", "a$"), rx("a", r"\Aa\Z"),
        rx("ab12", r"[\d]{2}"), rx("٣", r"\d"), rx("é", r"\w"), rx("é", r"(?a)\w"), rx("a", r"\p{L}"), rx("a", r"\h"), rx("aQ", r"\Qa"), rx("x", r"(?P<n>x)(?P=n)?"), rx("xx", r"(?P<n>x)(?P=n)"),
        rx("abab", r"(?:ab){,2}$"), rx("a{,2", r"a{,2"), rx("aaa", r"a{2,1}"), rx("ab", r"(?<=a)b"), rx("ab", r"(?<=a+)b"), rx("ab", r"a(?i)B", case_insensitive=False),
        rx("ab", r"(?i)B", case_insensitive=False), rx("aB", r"a(?i:b)", case_insensitive=False), rx("ab", r"(?x) a b # c"), rx("aaa", r"a++a"), rx("aab", r"(?>a+)b"), rx("ab", r"(a)(?(1)b|c)"),
        rx("[:alpha:]", r"[[:alpha:]]+"), rx("é", r"\u00e9"), rx("A", r"\x41"), rx("A", r"\101"), rx("\x01", r"\1"), rx("a", r"(*UTF)a"), rx("ſ", "s"), rx("K", "k"), rx("ß", "SS"), rx("a b", r"a\ b"),
        rx("a-b", r"[a\-z]-"), rx("]", "[]]"), rx("^", r"[\^]"), rx("a", r"[^]a]"), rx("😀", "^.$"), rx("\x1c", r"\s"), rx("\u2028", r"\s"), rx("a\rb", "a.b"), rx("\r", "^$"), rx("aa", r"(?R)"),
        rx("a", "(?#comment)a"), rx("foo.bar", r"\bbar\b"), rx("foo", r"\Boo"), rx("x", "(?P<1>x)"), rx("a", "a" * 3 + "?"), rx("ab", "a|"), rx("a}", "a}"), rx("a{1", "a{1"), rx("_", r"\W"), rx("²", r"\w"), rx("²", r"\d"),
    ],
    "RegexExtract": [
        extract(LINES, r"\d+"), extract(LINES, r"\d+", "All Matches"), extract(LINES, r"(\w)=(\d)", "First Group", 2), extract(LINES, r"(\w)=(\d)", "First Group", 0), extract(LINES, r"(\w)=(\d)", "First Group", 3),
        extract(LINES, r"(\d)(\d)", "All Groups", 1), extract(LINES, r"(\d)(\d)", "All Groups", 2), extract(LINES, r"(\d)(\d)", "All Groups", 0), extract(LINES, r"(\d)(\d)", "All Groups", 5),
        extract(LINES, r"(\d)(\d)", "All Matches"), extract(LINES, r"(\d)\d", "All Matches"), extract(LINES, r"nothing"), extract(LINES, r"nothing", "All Matches"), extract(LINES, r"nothing", "First Group"), extract(LINES, r"nothing", "All Groups"),
        extract(LINES, r"(", "First Match"), extract("aXbX", r"x*", "All Matches"), extract("ab", r"(x)?b", "First Group", 1), extract("ab", r"(x)?b", "All Matches"), extract("ab", r"(x)?(b)", "All Matches"),
        extract(LINES, r"^\w+", "All Matches", multiline=True), extract(LINES, r"line.*", "All Matches", dotall=True), extract("a,b", r"\w", "All Groups", 0), extract("a,b", r"\w", "First Group", 1), extract("a,b", r"\w", "First Group", 0), extract("a,b", r"(\w)", "First Group", 0), extract("abc", "", "All Matches"),
        extract("", r".*", "First Match"), extract("aé😀b", r"[^a-z]", "All Matches"),
    ],
    "RegexReplace": [
        dict(string=s, regex_pattern=p, replace=r, **m) for s, p, r, m in (
            ("Hello World", r"o", "0", {}), ("Hello World", r"(\w+) (\w+)", r"\2 \1", {}), ("Hello", r"(?P<x>l+)", r"<\g<x>>", {}), ("Hello", r"l", r"\g<0>\g<0>", {}), ("abc", r"x*", "-", {}), ("abxd", r"x*", "-", {}), ("Hello", "L", "r", {"case_insensitive": False}),
            ("Hello", "L", "r", {}), ("aaaa", "a", "b", {"count": 2}), ("a\nb", "^", "> ", {"multiline": True}), ("a\nb", "a.b", "x", {"dotall": True}), ("abc", "b", r"\n\t\\", {}), ("abc", "b", r"\q", {}), ("abc", "b", r"\9", {}), ("abc", "(b)", r"\g<2>", {}), ("abc", "(b)", r"\g<", {}),
            ("abc", "b", "$1 \\\\1", {}), ("abc", "(", "x", {}), ("ab", "(x)?b", r"[\1]", {}), ("abc", "", "-", {}), ("abc", "(b)", r"\g<1>0\10", {}), ("abc", "(b)", r"\x41", {}), ("abc", "(b)", r"\101\0", {}), ("aaa", "a", "", {"count": 0}), ("日本", "本", "x", {}), ("baac", "a*", "x", {}), ("abc", "b", "end\\", {}), ("abc", "(?P<é>b)", r"\g<é>", {}))
    ],
    "PrimitiveString": [dict(value="a\nb"), dict(value=L("x"))],
    "PrimitiveStringMultiline": [dict(value="a\nb")],
    "PrimitiveInt": [dict(value=7), dict(value=-9223372036854775807)],
    "PrimitiveFloat": [dict(value=0.1), dict(value=L(3))],
    "PrimitiveBoolean": [dict(value=True), dict(value=L("false"))],
    "CustomCombo": [dict(choice="b"), dict(choice=""), dict(choice="x", option1="x", option2="y"), dict(choice=L(5))],
    "ComfySwitchNode": [
        dict(switch=True, on_false=L("no"), on_true=L("yes")), dict(switch=False, on_false=L("no"), on_true=L(5)), dict(switch=True, on_false="a", on_true="b"), dict(switch=True, on_false=L("no")),
        dict(switch=False, on_false=L("no")), dict(switch=False, on_false=L(None), on_true=L("yes")), dict(switch=L("x"), on_false=L("no"), on_true=L("yes")),
    ],
    "PreviewAny": [dict(source=s) for s in (
        "text", 5, 2.0, 1e-7, True, "", L(None), L("a\nb"), L(0.1), L(1e22), L(LIST(1, "x", None, True)), L(D(a=1, b=LIST(1.5, "ü"))), L(LIST()), L(D()), L(12345678901234567890), L(D(a=D(b="q\"uote"))))
    ] + [dict(source=L(T([1, 2], [0.5, 1]))), dict(source=L(T([1, 3, 2, 1], [0, 0.25, 0.5, 1, 1 / 3, -2]))), dict(source=L(D(samples=T([1, 1, 1, 2], [0.5, 1])))), dict(source=L(LIST(T([2], [0.5, 1])))), dict(source=L(T([0], []))), dict(source=L(random_tensor(1, 1, 40, 40, 3)))],
}
