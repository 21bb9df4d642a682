#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

TEST(Models, are_listed_by_key_and_by_folder) {
  RouteBench bench;
  add_models_routes(bench.router, bench.services);
  bench.scratch.write("models/loras/b.safetensors", "12345");
  bench.scratch.write("models/loras/.hidden.pt");
  bench.scratch.write("output/loras/a.pt");
  bench.scratch.write("models/embeddings/sub/easy.pt");
  EXPECT_EQ(RouteBench::json_of(bench.get("/models")).as_array().size(), 23u);
  EXPECT_EQ(RouteBench::text_of(bench.get("/models/loras")), R"([".hidden.pt","a.pt","b.safetensors"])");
  EXPECT_EQ(RouteBench::text_of(bench.get("/api/embeddings")), R"(["sub/easy"])");
  for (const char* path : {"/models/nope", "/models/unet", "/models/clip", "/experiment/models/nope"}) EXPECT_EQ(bench.get(path).status, 404) << path;
  EXPECT_EQ(RouteBench::json_of(bench.get("/experiment/models")).as_array().size(), 21u);
  const json::array files = RouteBench::json_of(bench.get("/experiment/models/loras")).as_array();
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(string_or(files[0].as_object(), "name", ""), "b.safetensors");
  EXPECT_EQ(int_or(files[0].as_object(), "size", 0), 5);
  EXPECT_EQ(int_or(files[1].as_object(), "pathIndex", 0), 1);
  EXPECT_TRUE(files[1].as_object().at("modified").is_double());
  for (const char* path : {"loras/0/b.safetensors", "loras/9/b.safetensors", "loras/x/b.safetensors", "loras/0/..%2F..%2Fx", "nope/0/x"})
    EXPECT_EQ(bench.get(std::string("/experiment/models/preview/") + path).status, 404) << path;
}

}  // namespace
}  // namespace darkroom
