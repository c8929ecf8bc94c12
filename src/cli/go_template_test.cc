#include "cli/go_template.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "image/json.h"

namespace strata::cli {
namespace {

// What docker 20.10.24 (Go 1.19) was seen to print for `docker inspect -f TEMPLATE` on this image.
constexpr const char* kImage = R"json(
{"Id":"sha256:aaaa","RepoTags":["x:latest","y:1"],"Parent":"","Comment":"a<b>&c",
"Config":{"Env":["PATH=/bin","A=b c"],"Cmd":["sh","-c","echo"],"Volumes":null,
"Labels":{"b":"2","a":"1","c.d":"x"},"OnBuild":null,"Tty":true},
"Extra":{"Nested":{"L":[1,2.25,"x",null,true,{"k":"v"}],"Nil":null,"E":[],"Em":{},
"S":"h\u00e9 \"q\"\n\ttab<&>'"}},
"RootFS":{"Type":"layers","Layers":["sha256:1","sha256:2"]}})json";

struct TemplateCase {
  const char* name;
  const char* text;
  const char* expected;  // the output, or the error
  bool ok;
};

TemplateOptions as_docker_inspect() {
  TemplateOptions options;
  options.missing_key = MissingKey::Error;
  options.kind_of = docker_field_kind;
  return options;
}

class DockerTemplate : public testing::TestWithParam<TemplateCase> {};

TEST_P(DockerTemplate, PrintsWhatDockerPrints) {
  const Json image = *Json::parse(kImage);
  std::string out;
  Result<void> done;
  auto parsed = GoTemplate::parse(GetParam().text);
  if (parsed) {
    done = parsed->execute(image, out, as_docker_inspect());
  } else {
    done = std::move(parsed).error();
  }
  EXPECT_EQ(done.has_value(), GetParam().ok) << out;
  EXPECT_EQ(done ? out : done.error().message(), GetParam().expected) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DockerTemplate,
    testing::ValuesIn(std::vector<TemplateCase>{
        {"Text", "plain text", "plain text", true},
        {"Field", "{{.Id}}", "sha256:aaaa", true},
        {"Chain", "{{.Config.Env}}", "[PATH=/bin A=b c]", true},
        {"ChainOfList", "{{.RootFS.Layers}}", "[sha256:1 sha256:2]", true},
        {"TypedMap", "{{.Config.Labels}}", "map[a:1 b:2 c.d:x]", true},
        {"TypedMapMissing",
         "{{.Config.Labels.zz}}|{{index .Config.Labels \"zz\"}}|{{index .Config.Labels \"c.d\"}}",
         "<no value>||x", true},
        {"NullMapAndList", "{{.Config.Volumes}}|{{.Config.OnBuild}}|{{len .Config.OnBuild}}",
         "map[]|[]|0", true},
        {"Mixed", "{{.Extra.Nested.L}} {{.Extra.Nested.E}} {{.Extra.Nested.Em}}",
         "[1 2.25 x <nil> true map[k:v]] [] map[]", true},
        {"Bools", "{{.Config.Tty}} {{not .Config.Tty}} {{true}}", "true false true", true},
        {"Trim", "  a  {{- \" b \" -}}  c  {{- /* no */ -}}  d {{ \"e\" }} f", "  a b cd e f",
         true},
        {"TrimNeedsBlank", "a {{-1}} b", "a -1 b", true},
        {"Comment", "a{{/* c {{x}} */}}b", "ab", true},
        {"Variables", "{{$x := \"a\"}}{{$y := 2}}{{$x}}{{$y}}{{$x = \"b\"}}{{$x}}{{$.Id}}",
         "a2bsha256:aaaa", true},
        {"VariableFields", "{{$c := .Config}}{{$c.Env}}{{index $c.Env 0}}",
         "[PATH=/bin A=b c]PATH=/bin", true},
        {"If",
         "{{if .Id}}yes{{else}}no{{end}}{{if .Parent}}yes{{else if "
         ".Comment}}comment{{else}}no{{end}}",
         "yescomment", true},
        {"IfScope", "{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{end}}{{$x}}", "2", true},
        {"With",
         "{{with .Config}}{{.Env}}{{end}}{{with .Parent}}x{{else}}none{{end}}{{with $e := "
         ".Config.Env}}{{len $e}}{{end}}",
         "[PATH=/bin A=b c]none2", true},
        {"Range", "{{range .Config.Env}}<{{.}}>{{end}}", "<PATH=/bin><A=b c>", true},
        {"RangeElse", "{{range .Config.OnBuild}}x{{else}}none{{end}}", "none", true},
        {"RangeIndex", "{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}",
         "0=PATH=/bin;1=A=b c;", true},
        {"RangeMap", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;c.d=x;",
         true},
        {"RangeOneVariable", "{{range $v := .Config.Labels}}{{$v}}{{end}}", "12x", true},
        {"RangeBreak", "{{range $i, $e := .Config.Cmd}}{{if eq $i 1}}{{break}}{{end}}{{$e}}{{end}}",
         "sh", true},
        {"RangeContinue",
         "{{range $i, $e := .Config.Cmd}}{{if eq $i 1}}{{continue}}{{end}}{{$e}}{{end}}", "shecho",
         true},
        {"RangeOfNothing", "{{range .Config.OnBuild}}{{end}}x", "x", true},
        {"RangeString", "{{range .Id}}{{end}}",
         "template: :1:8: executing \"\" at <.Id>: range can't iterate over sha256:aaaa", false},
        {"Pipe", "{{.Id | upper | printf \"%s-%s\" \"a\"}}", "a-SHA256:AAAA", true},
        {"PipeEndsEmpty", "{{.Id | }}", "sha256:aaaa", true},
        {"Parens", "{{(index .Config.Env 0) | len}} {{len (print \"a\" \"b\")}} {{(.Config).Env}}",
         "9 2 [PATH=/bin A=b c]", true},
        {"Literals",
         "{{\"a\\tb\\\"\\u00e9\\x41\\101\"}} {{`raw\\n`}} {{'a'}} {{0x1F}} {{0b11}} {{017}} "
         "{{1_000}} {{1.5}} {{-3}} {{1e3}} {{0x1p4}}",
         "a\tb\"éAA raw\\n 97 31 3 15 1000 1.5 -3 1000 16", true},
        {"Floats",
         "{{1000000.0}} {{123456.0}} {{1e20}} {{1e21}} {{0.0001}} {{0.00001}} {{1234567.0}} "
         "{{2.5}}",
         "1e+06 123456 1e+20 1e+21 0.0001 1e-05 1.234567e+06 2.5", true},
        {"Print", "{{print \"a\" 1 2 \"b\" 3}} {{print 1 2 true nil}}", "a1 2b3 1 2 true <nil>",
         true},
        {"Println", "{{println \"a\" 1 2}}x", "a 1 2\nx", true},
        {"Printf", "{{printf \"%s %v %d %q %t %x %T\" \"a\" \"b\" 5 \"c\\\"\" true 255 1.5}}",
         "a b 5 \"c\\\"\" true ff float64", true},
        {"PrintfWidths",
         "{{printf \"%6.2f|%-8s|%8s|%08d|%+d|%X|%#x|% d|%5t|%.2s|%c|%U|%o|%b|%e|%g|%.3g\" 3.14159 "
         "\"ab\" \"cd\" 42 5 \"hi\" 255 7 true \"héllo\" 65 65 8 5 1.5 1e20 1234.5}}",
         "  3.14|ab      |      cd|00000042|+5|6869|0xff| 7| "
         "true|hé|A|U+0041|10|101|1.500000e+00|1e+20|1.23e+03",
         true},
        {"PrintfStar", "{{printf \"%*d|%-*d|%.*f\" 5 42 5 42 1 3.14159}}", "   42|42   |3.1", true},
        {"PrintfMistakes",
         "{{printf \"%d %s %z %\" \"x\" 5 1}} {{printf \"%d\"}} {{printf \"a\" 1 \"b\"}} {{printf "
         "\"%!\"}}",
         "%!d(string=x) %!s(int=5) %!z(int=1) %!(NOVERB) %!d(MISSING) a%!(EXTRA int=1, string=b) "
         "%!!(MISSING)",
         true},
        {"PrintfIndex", "{{printf \"%[2]s %[1]s\" \"a\" \"b\"}} {{printf \"%[3]d\" 1}}",
         "b a %!d(BADINDEX)", true},
        {"PrintfLists",
         "{{printf \"%v %s %q\" .RepoTags .RepoTags .RepoTags}} {{printf \"%v\" .Config.Labels}}",
         "[x:latest y:1] [x:latest y:1] [\"x:latest\" \"y:1\"] map[a:1 b:2 c.d:x]", true},
        {"PrintfSharp", "{{printf \"%#v %#q %#x %#o\" \"a\" \"b\" \"hi\" 8}}",
         "\"a\" `b` 0x6869 010", true},
        {"PrintfZero",
         "{{printf \"%05d|%-05d|%+05d|%5.3d|%x|% x|%08.3f|%+.1f\" -42 42 42 7 \"hi\" \"hi\" "
         "3.14159 2.0}}",
         "-0042|42   |+0042|  007|6869|68 69|0003.142|+2.0", true},
        {"PrintfNil", "{{printf \"%v %s %d\" nil nil nil}}", "<nil> %!s(<nil>) %!d(<nil>)", true},
        {"Len", "{{len .Id}} {{len .RepoTags}} {{len .Config.Labels}}", "11 2 3", true},
        {"Index", "{{index .RepoTags 1}} {{index .Extra.Nested.L 5 \"k\"}} {{index \"abc\" 1}}",
         "y:1 v 98", true},
        {"IndexAtEnd", "{{index .RepoTags 2}}",
         "template: :1:2: executing \"\" at <index .RepoTags 2>: error calling index: reflect: "
         "slice index out of range",
         false},
        {"IndexBeyond", "{{index .RepoTags 3}}",
         "template: :1:2: executing \"\" at <index .RepoTags 3>: error calling index: index out of "
         "range: 3",
         false},
        {"IndexByString", "{{index .RepoTags \"x\"}}",
         "template: :1:2: executing \"\" at <index .RepoTags \"x\">: error calling index: cannot "
         "index slice/array with type string",
         false},
        {"IndexNil", "{{index nil 1}}",
         "template: :1:2: executing \"\" at <index nil 1>: error calling index: index of untyped "
         "nil",
         false},
        {"Slice", "{{slice .Id 0 3}} {{slice .RepoTags 1}} {{slice \"abc\" 1 2}}", "sha [y:1] b",
         true},
        {"SliceOrder", "{{slice .Id 3 2}}",
         "template: :1:2: executing \"\" at <slice .Id 3 2>: error calling slice: invalid slice "
         "index: 3 > 2",
         false},
        {"Compare",
         "{{eq \"a\" \"a\"}} {{eq 1 2 1}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge "
         "1.5 2.5}} {{eq true true}}",
         "true true true true true true false true", true},
        {"CompareKinds", "{{eq 1 \"a\"}}",
         "template: :1:2: executing \"\" at <eq 1 \"a\">: error calling eq: incompatible types for "
         "comparison",
         false},
        {"CompareIntFloat", "{{lt 1 1.5}}",
         "template: :1:2: executing \"\" at <lt 1 1.5>: error calling lt: incompatible types for "
         "comparison",
         false},
        {"CompareBools", "{{lt true false}}",
         "template: :1:2: executing \"\" at <lt true false>: error calling lt: invalid type for "
         "comparison",
         false},
        {"CompareOne", "{{eq 1}}",
         "template: :1:2: executing \"\" at <eq 1>: error calling eq: missing argument for "
         "comparison",
         false},
        {"AndOr", "{{and 1 0 2}} {{and 1 2}} {{or 0 \"\" \"x\"}} {{or 0 \"\"}}|{{and}}",
         "template: :1:56: executing \"\" at <and>: wrong number of args for and: want at least 1 "
         "got 0",
         false},
        {"AndStops", "{{and false (index .RepoTags 9)}} {{or true (index .RepoTags 9)}}",
         "false true", true},
        {"Json",
         "{{json .RepoTags}} {{json .Comment}} {{json .Config.Volumes}} {{json .Config.Labels}} "
         "{{json .Extra.Nested.S}}",
         "[\"x:latest\",\"y:1\"] \"a<b>&c\" null {\"a\":\"1\",\"b\":\"2\",\"c.d\":\"x\"} \"hé "
         "\\\"q\\\"\\n\\ttab<&>'\"",
         true},
        {"Join", "{{join .RepoTags \", \"}} {{join (split \"a-b\" \"-\") \"+\"}}",
         "x:latest, y:1 a+b", true},
        {"JoinString", "{{join .Id \",\"}}",
         "template: :1:7: executing \"\" at <.Id>: wrong type for value; expected []string; got "
         "string",
         false},
        {"Split", "{{split \"a,b,c\" \",\"}} {{len (split \"\" \",\")}} {{split \"abc\" \"\"}}",
         "[a b c] 1 [a b c]", true},
        {"Case", "{{upper \"añc\"}} {{lower \"ABÑ\"}} {{title \"ab cd-ef g_h\"}}",
         "AÑC abñ Ab Cd-Ef G_h", true},
        {"Pad", "[{{pad \"x\" 1 2}}] [{{pad \"\" 1 2}}]", "[ x  ] []", true},
        {"Truncate", "{{truncate \"hello\" 2}} {{truncate \"hi\" 9}}", "he hi", true},
        {"Escapes",
         "{{html \"<a href='x'>&\\\"\"}} {{js \"it's <\\\"b\\\"> = &\\n\"}} {{urlquery \"a "
         "b&c/é~-_.\"}}",
         "&lt;a href=&#39;x&#39;&gt;&amp;&#34; it\\'s \\u003C\\\"b\\\"\\u003E \\u003D "
         "\\u0026\\u000A a+b%26c%2F%C3%A9~-_.",
         true},
        {"Define", "{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .Id}}{{template \"t\" \"x\"}}",
         "[sha256:aaaa][x]", true},
        {"Block", "{{block \"b\" .Parent}}({{.}}){{end}}", "()", true},
        {"TemplateUnknown", "{{template \"nope\"}}",
         "template: :1:11: executing \"\" at <{{template \"nope\"}}>: template \"nope\" not "
         "defined",
         false},
        {"MissingKey", "a{{.Nope}}b",
         "template: :1:3: executing \"\" at <.Nope>: map has no entry for key \"Nope\"", false},
        {"MissingNested", "{{.Config.Nope}}",
         "template: :1:9: executing \"\" at <.Config.Nope>: map has no entry for key \"Nope\"",
         false},
        {"MissingDeeper", "{{.Config.Nope.X}}",
         "template: :1:9: executing \"\" at <.Config.Nope.X>: map has no entry for key \"Nope\"",
         false},
        {"FieldOfString", "{{.Id.Foo}}",
         "template: :1:5: executing \"\" at <.Id.Foo>: can't evaluate field Foo in type interface "
         "{}",
         false},
        {"FieldOfNil", "{{.Extra.Nested.Nil.X}}",
         "template: :1:8: executing \"\" at <.Extra.Nested.Nil.X>: nil pointer evaluating "
         "interface {}.X",
         false},
        {"MultiLine", "a\n{{.Id}}\n {{.Nope}}",
         "template: :3:3: executing \"\" at <.Nope>: map has no entry for key \"Nope\"", false},
        {"UnclosedAction", "{{.Id", "template: :1: unclosed action", false},
        {"Unclosed2", "{{", "template: :1: unclosed action", false},
        {"UnclosedComment", "{{/* x", "template: :1: unclosed comment", false},
        {"CommentEnd", "{{/* x */ y}}", "template: :1: comment ends before closing delimiter",
         false},
        {"NoFunction", "{{foo}}", "template: :1: function \"foo\" not defined", false},
        {"NoVariable", "{{$x}}", "template: :1: undefined variable \"$x\"", false},
        {"VariableOutOfScope", "{{if true}}{{$x := 1}}{{end}}{{$x}}",
         "template: :1: undefined variable \"$x\"", false},
        {"EmptyAction", "{{}}", "template: :1: missing value for command", false},
        {"EmptyIf", "{{if}}{{end}}", "template: :1: missing value for if", false},
        {"NoEnd", "{{if .Id}}", "template: :1: unexpected EOF", false},
        {"StrayEnd", "{{end}}", "template: :1: unexpected {{end}}", false},
        {"StrayElse", "{{else}}", "template: :1: unexpected {{else}}", false},
        {"TwoElse", "{{if 1}}{{else}}{{else}}{{end}}", "template: :1: expected end; found {{else}}",
         false},
        {"ElseWith", "{{with 1}}{{else if 2}}{{end}}", "template: :1: unexpected <if> in input",
         false},
        {"BadChar", "{{.Id # 1}}", "template: :1: unexpected \"#\" in operand", false},
        {"BadFieldChar", "{{.Id#}}", "template: :1: bad character U+0023 '#'", false},
        {"BadNumber", "{{1x}}", "template: :1: bad number syntax: \"1x\"", false},
        {"BadPipe", "{{|}}", "template: :1: unexpected \"|\" in command", false},
        {"BadStage", "{{.Id | 1}}", "template: :1: non executable command in pipeline stage 2",
         false},
        {"EmptyParens", "{{()}}", "template: :1: missing value for parenthesized pipeline", false},
        {"LeftParen", "{{(1}}", "template: :1: unclosed left paren", false},
        {"RightParen", "{{1)}}", "template: :1: unexpected \")\" in command", false},
        {"BadString", "{{\"abc}}", "template: :1: unterminated quoted string", false},
        {"BadRaw", "{{`abc}}", "template: :1: unterminated raw quoted string", false},
        {"BadCharConstant", "{{'a}}", "template: :1: unterminated character constant", false},
        {"BadEscape", "{{\"\\z\"}}", "template: :1: invalid syntax", false},
        {"DotAfterTerm", "{{1.Foo}}", "template: :1: bad number syntax: \"1.F\"", false},
        {"DotAfterString", "{{\"a\".Foo}}", "template: :1: unexpected . after term \"\\\"a\\\"\"",
         false},
        {"NilCommand", "{{nil}}", "template: :1:2: executing \"\" at <nil>: nil is not a command",
         false},
        {"NotAFunction", "{{1 2}}",
         "template: :1:2: executing \"\" at <1>: can't give argument to non-function 1", false},
        {"NotAMethod", "{{.Id 1}}",
         "template: :1:2: executing \"\" at <.Id>: Id is not a method but has arguments", false},
        {"TooManyDeclarations", "{{$a, $b := 1}}", "template: :1: too many declarations in command",
         false},
        {"RangeDeclarations", "{{range $a, 1}}{{end}}",
         "template: :1: range can only initialize variables", false},
        {"BreakOutside", "{{break}}", "template: :1: {{break}} outside {{range}}", false},
        {"BadColon", "{{$x : 1}}", "template: :1: undefined variable \"$x\"", false},
        {"ArgCount", "{{upper}}",
         "template: :1:2: executing \"\" at <upper>: wrong number of args for upper: want 1 got 0",
         false},
        {"ArgCountMany", "{{upper \"a\" \"b\"}}",
         "template: :1:2: executing \"\" at <upper>: wrong number of args for upper: want 1 got 2",
         false},
        {"ArgType", "{{upper 5}}",
         "template: :1:8: executing \"\" at <5>: expected string; found 5", false},
        {"ArgTypeField", "{{upper .RepoTags}}",
         "template: :1:8: executing \"\" at <.RepoTags>: wrong type for value; expected string; "
         "got []interface {}",
         false},
        {"ArgNil", "{{upper nil}}",
         "template: :1:8: executing \"\" at <nil>: cannot assign nil to string", false},
        {"ArgNilField", "{{upper .Extra.Nested.Nil}}",
         "template: :1:14: executing \"\" at <.Extra.Nested.Nil>: wrong type for value; expected "
         "string; got interface {}",
         false},
        {"ArgInt", "{{truncate \"a\" \"b\"}}",
         "template: :1:15: executing \"\" at <\"b\">: expected integer; found \"b\"", false},
        {"ArgPiped", "{{.RepoTags | upper}}",
         "template: :1:14: executing \"\" at <upper>: wrong type for value; expected string; got "
         "[]interface {}",
         false},
        {"LenOfInt", "{{len 5}}",
         "template: :1:2: executing \"\" at <len 5>: error calling len: len of type int", false},
        {"IndexOfInt", "{{index 5 1}}",
         "template: :1:2: executing \"\" at <index 5 1>: error calling index: can't index item of "
         "type int",
         false},
        {"Unexpected", "{{.Id ,}}", "template: :1: unexpected \",\" in operand", false},
        {"Keyword", "{{.Id range}}", "template: :1: unexpected <range> in operand", false},
        {"LongToken", "{{define foooooooooooooooooooo}}",
         "template: :1: unexpected \"fooooooooo\"... in define clause", false},
    }),
    [](const auto& c) { return std::string(c.param.name); });

std::string run(std::string_view text, const Json& data, const TemplateOptions& options = {}) {
  auto parsed = GoTemplate::parse(text);
  if (!parsed) return parsed.error().message();
  std::string out;
  auto done = parsed->execute(data, out, options);
  return done ? out : done.error().message();
}

TEST(GoTemplate, MissingKeyIsNoValueUnlessAskedOtherwise) {
  EXPECT_EQ(run("{{.A}} {{.B}} {{.B.C}}", *Json::parse(R"({"A":null})")),
            "<nil> <no value> <no value>");
}

TEST(GoTemplate, StructsRefuseUnknownFields) {
  TemplateOptions options;
  options.root_type = "*formatter.imageContext";
  const Json row = *Json::parse(R"({"Tag":"<none>","ID":"a"})");
  EXPECT_EQ(run("ab {{.Nope}}", row, options),
            "template: :1:5: executing \"\" at <.Nope>: can't evaluate field Nope in type "
            "*formatter.imageContext");
  EXPECT_EQ(run("{{json .}} {{json .Tag}}", row, options),
            R"({"ID":"a","Tag":"\u003cnone\u003e"} "<none>")");
}

TEST(GoTemplate, MethodsOfTheTopValueTakeArguments) {
  TemplateOptions options;
  options.root_type = "T";
  options.method = [](std::string_view name, const std::vector<Json>& args) -> Result<Json> {
    if (name != "Label") return Error(ErrorCode::NotFound, "none");
    return Json("<" + args[0].as_string() + ">");
  };
  const Json row = *Json::parse(R"({"ID":"a"})");
  EXPECT_EQ(run(R"({{.Label "x"}}{{"y" | .Label}}{{range .L}}{{end}})", *Json::parse(R"({"L":[]})"),
                options),
            "<x><y>");
  EXPECT_EQ(run(R"({{.ID "x"}})", row, options),
            "template: :1:2: executing \"\" at <.ID>: ID has arguments but cannot be invoked as "
            "function");
}

TEST(GoTemplate, VariableIsUnknownInItsOwnDeclaration) {
  EXPECT_EQ(run("{{$x := $x}}", Json()),
            "template: :1:8: executing \"\" at <$x>: undefined variable: $x");
}

TEST(GoTemplate, HostileTemplatesEnd) {
  std::string deep;
  for (int i = 0; i < 200; i++) deep += "{{if 1}}";
  EXPECT_EQ(run(deep, Json()), "template: :1: nested too deeply");
  EXPECT_EQ(run("{{" + std::string(5000, '('), Json()), "template: :1: nested too deeply");
  EXPECT_NE(run(R"({{define "r"}}{{template "r"}}{{end}}{{template "r"}})", Json())
                .find("exceeded maximum template depth"),
            std::string::npos);
  Json list = Json::array();
  for (int i = 0; i < 3000; i++) list.push(Json(1));
  EXPECT_NE(run("{{$l := .}}{{range .}}{{range $l}}{{end}}{{end}}", list).find("too many steps"),
            std::string::npos);
  EXPECT_NE(run(R"({{range .}}{{printf "%1000000d" 1}}{{end}})", list).find("too long"),
            std::string::npos);
}

}  // namespace
}  // namespace strata::cli
