// Every class says of itself in /object_info what the reference says, texts aside.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "nodes/all_nodes.hpp"
#include "storage/unlisted_models.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

class NoFiles final : public ChoiceLists {
 public:
  std::vector<std::string> list(const ListSource& source) override { return names_beside_files(source.argument, Folders{}); }
  bool file_exists(std::string_view) override { return false; }
};

/// Our texts are our own; the reference data has none.
void drop_texts(json::value& value) {
  if (auto* array = value.if_array())
    for (auto& item : *array) drop_texts(item);
  if (auto* object = value.if_object()) {
    for (const char* key : {"tooltip", "output_tooltips"})
      if (const auto at = object->find(key); at != object->end()) object->stable_erase(at);
    if (object->contains("description")) (*object)["description"] = "";
    for (auto& item : *object) drop_texts(item.value());
  }
}

TEST(Schemas, AreThoseOfTheReference) {
  std::ifstream file(DARKROOM_TEST_DATA "/golden/object_info_core.json", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  // A number of an audio node that fits no 64 bits; our parser refuses such on purpose.
  const std::string_view beyond = "-18446744073709551615";
  if (const auto at = text.find(beyond); at != std::string::npos) text.replace(at, beyond.size(), "0");
  const json::value reference = parse_json(text);
  Registry registry;
  register_all_nodes(registry);
  NoFiles lists;
  std::size_t compared = 0;
  const SchemaSet schemas = registry.schemas();
  for (const NodeSchema& schema : schemas.all()) {
    const auto* known = reference.as_object().if_contains(schema.node_class());
    if (!known) continue;  // SaveImageWebsocket comes from a sample pack
    json::value ours = schema.info(lists), wanted = *known;
    drop_texts(ours);
    drop_texts(wanted);
    EXPECT_EQ(dump(ours), dump(wanted)) << schema.node_class();
    ++compared;
  }
  EXPECT_GT(compared, 30u);
}

TEST(Schemas, SurviveTheWayToTheGateway) {
  Registry registry;
  register_all_nodes(registry);
  NoFiles lists;
  const SchemaSet schemas = registry.schemas();
  const SchemaSet copy = SchemaSet::from_wire(schemas.to_wire());
  for (const NodeSchema& schema : schemas.all()) {
    const NodeSchema* other = copy.find(schema.node_class());
    ASSERT_TRUE(other);
    EXPECT_EQ(dump(json::value(schema.info(lists))), dump(json::value(other->info(lists))));
  }
}

}  // namespace
}  // namespace darkroom
