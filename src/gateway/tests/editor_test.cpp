#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Editor : testing::Test {
  ScratchFolder front;
  std::unique_ptr<RouteBench> bench;

  Editor() {
    front.write("index.html", "<html>");
    front.write("assets/main.js", "js");
    front.write("extensions/core/a.js", "a");
    Options options;
    options.front_end_root = front.path();
    bench = std::make_unique<RouteBench>(options);
    add_editor_routes(bench->router, bench->services);
  }
  void pack(const std::string& name, const std::string& text = "x") { bench->scratch.write("custom_nodes/" + name, text); }
};

TEST_F(Editor, serves_its_files_and_nothing_else) {
  const Response page = bench->get("/");
  EXPECT_EQ(RouteBench::text_of(page), "<html>");
  EXPECT_EQ(page.file->content_type, "text/html");
  EXPECT_EQ(RouteBench::header_of(page, "Cache-Control"), "no-cache");
  EXPECT_EQ(bench->get("/assets/main.js").file->content_type, "application/javascript");
  EXPECT_EQ(bench->get("/assets").status, 403);
  for (const char* path : {"/none.js", "/queue/", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/main.js/", "/..%2f..%2fetc/passwd", "/%00"}) {
    const Response reply = bench->get(path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_TRUE(RouteBench::text_of(reply).empty());
  }
  EXPECT_EQ(bench->ask("POST", "/none").status, 405);
  EXPECT_EQ(RouteBench::text_of(bench->get("/templates/index.fr.json")), RouteBench::text_of(bench->get("/templates/index.json")));
  EXPECT_THAT(RouteBench::text_of(bench->get("/templates/index.json")), HasSubstr("\"start\""));
  EXPECT_EQ(bench->get("/templates/start.json").file->content_type, "application/json");
  EXPECT_EQ(bench->get("/templates/../README.md").status, 404);
  EXPECT_EQ(bench->get("/templates/first-1.webp").status, 404);
}

TEST_F(Editor, a_missing_editor_is_explained) {
  Options options;
  options.front_end_root = "/no/such/folder";
  RouteBench without(options);
  add_editor_routes(without.router, without.services);
  EXPECT_EQ(without.get("/").status, 200);
  EXPECT_THAT(RouteBench::text_of(without.get("/")), HasSubstr("comfyui-frontend-package"));
  EXPECT_EQ(without.get("/x").status, 404);
  EXPECT_EQ(RouteBench::text_of(without.get("/extensions")), "[]");
}

TEST_F(Editor, lists_scripts_of_packs_that_declare_them) {
  pack("one/__init__.py", "import x\nWEB_DIRECTORY = \"./web\"  # scripts\n");
  pack("one/web/a.js", "one");
  pack("one/web/sub/deep.js");
  pack("one/web/page.html");
  pack("two/pyproject.toml", "[project]\nname = \"second\"\n[tool.comfy]\nweb = 'js'\n");
  pack("two/js/b.js", "two");
  pack("bad/__init__.py", "WEB_DIRECTORY = '../..'\n");
  pack("computed/__init__.py", "WEB_DIRECTORY = os.path.join(HERE, 'js')\n");
  pack("off.disabled/__init__.py", "WEB_DIRECTORY = './web'\n");
  EXPECT_EQ(
      RouteBench::text_of(bench->get("/extensions")),
      R"(["/extensions/core/a.js","/extensions/darkroom/templates.js","/extensions/one/a.js","/extensions/one/sub/deep.js","/extensions/second/b.js"])");
  EXPECT_EQ(RouteBench::text_of(bench->get("/extensions/one/a.js")), "one");
  EXPECT_EQ(RouteBench::text_of(bench->get("/extensions/second/b.js")), "two");
  EXPECT_EQ(RouteBench::text_of(bench->get("/extensions/core/a.js")), "a");
  EXPECT_EQ(bench->get("/extensions/one/../__init__.py").status, 404);
  EXPECT_EQ(bench->get("/extensions/darkroom/templates.js").file->content_type, "application/javascript");
  EXPECT_EQ(bench->get("/extensions/darkroom/../index.html").status, 404);
  EXPECT_EQ(bench->get("/extensions/one/none.js").status, 404);
}

TEST_F(Editor, reads_what_else_packs_bring) {
  pack("a/locales/en/main.json", R"({"x": {"p": 1}})");
  pack("a/locales/en/nodeDefs.json", R"({"N": 1})");
  pack("b/locales/en/main.json", R"({"x": {"q": 2}})");
  pack("b/locales/fr/commands.json", R"({"C": 3})");
  pack("b/locales/de/main.json", "broken");
  pack("a/example_workflows/first.json", "{}");
  pack("a/example_workflows/first.jpg", "jpg");
  pack("a/subgraphs/blue.json", "{\"n\": 1}");
  EXPECT_EQ(RouteBench::text_of(bench->get("/i18n")), R"({"en":{"x":{"p":1,"q":2},"nodeDefs":{"N":1}},"fr":{"commands":{"C":3}}})");
  EXPECT_EQ(RouteBench::text_of(bench->get("/workflow_templates")), R"({"a":["first"]})");
  EXPECT_EQ(RouteBench::text_of(bench->get("/api/workflow_templates/a/first.json")), "{}");
  EXPECT_EQ(RouteBench::text_of(bench->get("/api/workflow_templates/a/first.jpg")), "jpg");
  EXPECT_EQ(bench->get("/api/workflow_templates/a/..%2Flocales%2Fen%2Fmain.json").status, 404);
  EXPECT_EQ(bench->get("/workflow_templates/a/first.json").status, 404);
  const json::object graphs = RouteBench::json_of(bench->get("/global_subgraphs")).as_object();
  ASSERT_EQ(graphs.size(), 1u);
  EXPECT_EQ(dump(graphs.begin()->value()), R"({"source":"custom_node","name":"blue","info":{"node_pack":"custom_nodes.a"}})");
  const json::object one = RouteBench::json_of(bench->get("/global_subgraphs/" + std::string(graphs.begin()->key()))).as_object();
  EXPECT_EQ(string_or(one, "data", ""), "{\"n\": 1}");
  EXPECT_EQ(RouteBench::text_of(bench->get("/global_subgraphs/none")), "null");
}

TEST_F(Editor, packs_have_limits) {
  const auto translated = [](std::size_t bytes) {
    const std::string head = R"({"x": ")", tail = R"("})";
    return head + std::string(bytes - head.size() - tail.size(), 't') + tail;
  };
  pack("at/locales/en/main.json", translated(8u << 20));
  pack("over/locales/fr/main.json", translated((8u << 20) + 1));
  const json::object texts = RouteBench::json_of(bench->get("/i18n")).as_object();
  EXPECT_TRUE(texts.contains("en"));
  const json::object* french = find_object(texts, "fr");
  EXPECT_TRUE(!french || french->empty());
}

}  // namespace
}  // namespace darkroom
