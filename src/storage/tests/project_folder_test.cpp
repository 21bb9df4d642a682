#include "storage/project_folder.hpp"

#include <gtest/gtest.h>

#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

TEST(ProjectFolder, lies_above_the_program_or_in_the_share_folder_and_has_the_mark) {
  ScratchFolder checkout, prefix;
  checkout.write("web/assets/main.js");
  checkout.write("build/release/web/README.md");  // of that name, and not it
  prefix.write("share/darkroom/web/assets/main.js");
  EXPECT_EQ(project_folder(checkout / "build/release/bin/darkroom", "web", "assets/main.js"), checkout / "web");
  EXPECT_EQ(project_folder(prefix / "bin/darkroom", "web", "assets/main.js"), prefix / "share/darkroom/web");
  EXPECT_TRUE(project_folder(prefix / "bin/darkroom", "web/editor", "templates.js").empty());
  EXPECT_TRUE(project_folder("", "web", "assets/main.js").empty());
}

}  // namespace
}  // namespace darkroom
