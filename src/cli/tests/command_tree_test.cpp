// What a shell is offered, and the manual.

#include "cli/command_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.hpp"

namespace darkroom {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class CommandTree : public testing::Test {
 protected:
  CommandTree() {
    add_run_command(app, status);
    add_server_commands(app, status);
    add_completion_command(app, status);
    tree = command_tree(app);
  }
  std::vector<std::string> offered(std::vector<std::string> words) {
    auto lines = completions(tree, words);
    for (auto& line : lines) line.resize(std::min(line.find('\t'), line.size()));
    return lines;
  }
  int status = 0;
  CLI::App app{"Says what it does.", "darkroom"};
  Command tree;
};

TEST_F(CommandTree, CommandsByTheirBeginning) {
  EXPECT_THAT(offered({""}), Contains("queue"));
  EXPECT_THAT(offered({"qu"}), ElementsAre("queue"));
  EXPECT_THAT(offered({"queue", ""}), ElementsAre("clear", "delete"));
  EXPECT_THAT(offered({"nothing"}), ElementsAre());
}

TEST_F(CommandTree, FlagsAndTheirValues) {
  EXPECT_THAT(offered({"upload", "--ov"}), ElementsAre("--overwrite"));
  EXPECT_THAT(offered({"upload", "--type", ""}), ElementsAre("input", "temp", "output"));
  EXPECT_THAT(offered({"upload", "--type", "t"}), ElementsAre("temp"));
  EXPECT_THAT(offered({"run", "--precision", "f"}), ElementsAre("fp32", "fp16"));
  EXPECT_THAT(offered({"run", "--server", "http://x", "--base-d"}), ElementsAre("--base-directory"));
  EXPECT_THAT(offered({"run", "--base-directory", ""}), ElementsAre(":folders"));
}

TEST_F(CommandTree, FilesWhereFilesAreMeant) {
  EXPECT_THAT(offered({"run", ""}), ElementsAre(":files"));
  EXPECT_THAT(offered({"upload", "a.png", ""}), ElementsAre(":files")) << "as many as you like";
  EXPECT_THAT(offered({"run", "a.json", ""}), ElementsAre()) << "one";
  EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "zsh", "fish"));
}

TEST_F(CommandTree, TheManualNamesEveryCommandAndIsSafeRoff) {
  const std::string page = manual_page(tree, "1.2");
  EXPECT_THAT(page, StartsWith(".TH DARKROOM 1"));
  for (const char* text : {".SS \"queue delete\"", ".SS \"events\"", "\\fB\\-\\-server\\fR \\fIURL\\fR"})
    EXPECT_THAT(page, HasSubstr(text));
  Command odd{"darkroom", "", "", {}, {}, {{"odd", ".begins as a request\n'and so\\n", "", {}, {}, {}}}};
  EXPECT_THAT(manual_page(odd, "1"), HasSubstr("\\&.begins as a request\n\\&'and so\\en"));
}

}  // namespace
}  // namespace darkroom
