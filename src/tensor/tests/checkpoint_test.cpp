#include "tensor/checkpoint.hpp"

#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

const std::filesystem::path kFiles = std::filesystem::path(DARKROOM_TEST_DATA) / "restore/files";

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string fault_of(const std::filesystem::path& path) {
  try {
    load_checkpoint(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

void expect_same(const StateDict& got, const StateDict& want) {
  ASSERT_EQ(got.size(), want.size());
  for (const auto& [name, tensor] : want) {
    const auto found = got.find(name);
    ASSERT_NE(found, got.end()) << name;
    EXPECT_EQ(found->second.scalar_type(), tensor.scalar_type()) << name;
    ASSERT_EQ(found->second.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(at::equal(found->second, tensor)) << name;
  }
}

TEST(Checkpoint, ReadsEveryTypeStrideAndOffset) {
  const auto want = load_checkpoint(kFiles / "odd_tensors.safetensors");
  ASSERT_GE(want.size(), 9u);
  expect_same(load_checkpoint(kFiles / "odd_tensors.pth"), want);
  expect_same(load_checkpoint(kFiles / "odd_tensors_legacy.pth"), want);
}

TEST(Checkpoint, TakesOffEveryWrapper) {
  const auto want = load_checkpoint(kFiles / "srvgg_x1_params.pth");
  EXPECT_EQ(want.size(), 11u);
  EXPECT_TRUE(want.contains("body.0.weight"));
  for (const char* name : {"srvgg_x1_params_and_ema.pth", "srvgg_x1_raw.bin", "srvgg_x1_legacy_raw.pth", "srvgg_x1_legacy_params.pth", "srvgg_x1_statedict_module.ckpt"}) {
    SCOPED_TRACE(name);
    expect_same(load_checkpoint(kFiles / name), want);
  }
}

TEST(Checkpoint, RefusesCodeByName) {
  const auto text = fault_of(kFiles / "refuse_eval.pth");
  EXPECT_THAT(text, HasSubstr("refuse_eval.pth: it asks for "));
  EXPECT_THAT(text, HasSubstr("eval"));
  EXPECT_THAT(text, HasSubstr("refused"));
}

TEST(Checkpoint, RefusesBrokenFiles) {
  EXPECT_THAT(fault_of(kFiles / "refuse_truncated.pth"), HasSubstr("refuse_truncated.pth: not a whole zip file"));
  Scratch scratch;
  EXPECT_THAT(fault_of(scratch.write("a.pth", "")), HasSubstr("a.pth: neither"));
  EXPECT_THAT(fault_of(scratch.write("a.pth", "hello")), HasSubstr("neither"));
  EXPECT_THAT(fault_of(scratch.write("a.safetensors", "PK hello there")), HasSubstr("a.safetensors: "));
  EXPECT_THAT(fault_of(scratch.write("a.pth", "\x80\x02K\x01.")), HasSubstr("not one that torch.save wrote"));
  EXPECT_THAT(fault_of(scratch.write("a.pth", std::string("\x80\x02}.", 4))), HasSubstr("not one that torch.save wrote"));
}

std::string fault_of_pickle(std::string_view bytes) {
  try {
    Unpickler machine(bytes);
    machine.load();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// Every class of fault that a pickle can have, fed to the machine itself.
TEST(Pickle, RefusesWhatIsNoData) {
  const auto fault = fault_of_pickle;
  EXPECT_THAT(fault("cposix\nsystem\n."), HasSubstr("asks for posix.system"));
  EXPECT_THAT(fault("\x8c\x08" "builtins\x8c\x04" "exec\x93."), HasSubstr("asks for builtins.exec"));
  EXPECT_THAT(fault("ctorch.storage\n_load_from_bytes\n."), HasSubstr("asks for torch.storage._load_from_bytes"));
  EXPECT_THAT(fault("cos\x1b[31m\nsystem\n."), HasSubstr("asks for os?[31m.system"));
  EXPECT_THAT(fault("iposix\nsystem\n."), HasSubstr("asks for posix.system"));
  EXPECT_THAT(fault("ctorch\nFloatStorage\n)R."), HasSubstr("a call of torch.FloatStorage"));
  EXPECT_THAT(fault("ccollections\nOrderedDict\nK\x01R."), HasSubstr("a call of something"));
  EXPECT_THAT(fault("."), HasSubstr("nothing on the stack"));
  EXPECT_THAT(fault("(."), HasSubstr("nothing on the stack"));
  EXPECT_THAT(fault("NN."), HasSubstr("left on the stack"));
  EXPECT_THAT(fault("e"), HasSubstr("no mark"));
  EXPECT_THAT(fault("Na"), HasSubstr("nothing on the stack"));
  EXPECT_THAT(fault("(Ne"), HasSubstr("nothing on the stack"));
  EXPECT_THAT(fault("h\x05."), HasSubstr("unknown memo"));
  EXPECT_THAT(fault("X\xff\xff\xff\xff"), HasSubstr("cut short"));
  EXPECT_THAT(fault("U\x02\xff\xfe."), HasSubstr("isn't UTF-8"));
  EXPECT_THAT(fault("K\x01Q."), HasSubstr("persistent id"));
  EXPECT_THAT(fault("\x8f."), HasSubstr("unsupported opcode 143"));
  EXPECT_THAT(fault(std::string(5'000'000, 'N')), HasSubstr("more than"));
  // Deep nesting costs no stack: a million tuples in tuples.
  EXPECT_EQ(fault("N" + std::string(1'000'000, '\x85') + "."), "accepted");
  // A list that holds itself.
  EXPECT_EQ(fault(std::string("]q\0h\0a.", 7)), "accepted");
}

TEST(Pickle, ValuesHaveALimit) {
  constexpr std::size_t kMost = 4'000'000;
  const auto tuple_of = [](std::size_t count) { return "(" + std::string(count, 'N') + "t."; };
  EXPECT_EQ(fault_of_pickle(tuple_of(kMost - 1)), "accepted");  // the tuple is one, too
  EXPECT_EQ(fault_of_pickle(tuple_of(kMost)), "pickle: more than 4000000 values");
}

TEST(Pickle, StepsHaveALimit) {
  constexpr std::size_t kMost = 32'000'000;
  std::string bytes = "N";
  while (bytes.size() < kMost - 1) bytes += "20";  // the top twice, and off again
  ASSERT_EQ(bytes.size(), kMost - 1);
  EXPECT_EQ(fault_of_pickle(bytes + "."), "accepted");
  EXPECT_EQ(fault_of_pickle(bytes + "20."), "pickle: more than 32000000 steps");
}

// A file of torch's old format with one tensor of `count` elements that repeats the only element of its storage.
std::string repeating(std::int32_t count) {
  using namespace std::string_literals;
  std::string sizes(4, '\0');
  std::memcpy(sizes.data(), &count, sizeof count);
  const std::string head = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s."s;
  const std::string storage = "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\1NtQ"s;
  const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n("s + storage + "K\0J"s + sizes + "\x85K\0\x85\x89"s + "ccollections\nOrderedDict\n)RtR";
  const std::string keys = "\x80\x02]X\1\0\0\0000a."s;
  return head + "\x80\x02}X\1\0\0\0a"s + tensor + "s." + keys + "\1\0\0\0\0\0\0\0\0\0\x80\x3f"s;
}

TEST(Checkpoint, ARepeatedStorageHasALimit) {
  constexpr std::int32_t kMost = 1 << 24;
  Scratch scratch;
  const auto weights = load_checkpoint(scratch.write("a.pth", repeating(kMost)));
  EXPECT_EQ(weights.at("a").numel(), kMost);
  EXPECT_EQ(weights.at("a")[kMost - 1].item<float>(), 1);
  EXPECT_THAT(fault_of(scratch.write("a.pth", repeating(kMost + 1))), HasSubstr("repeats its storage too often"));
}

// A zip file whose one entry, all zeros, has `size` bytes; a hole in the file where the system can.
std::filesystem::path zeros_in_zip(const Scratch& scratch, std::uint32_t size) {
  const auto number = [](auto value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  const auto u16 = [&](int value) { return number(static_cast<std::uint16_t>(value)); };
  const std::string name = "a/data.pkl";
  const std::string facts = u16(20) + u16(0) + u16(0) + u16(0) + u16(0) + number(std::uint32_t{0}) + number(size) + number(size) + u16(static_cast<int>(name.size()));
  const std::string local = "PK\3\4" + facts + u16(0) + name;
  const std::string central = "PK\1\2" + u16(20) + facts + u16(0) + u16(0) + u16(0) + u16(0) + number(std::uint32_t{0}) + number(std::uint32_t{0}) + name;
  const auto offset = static_cast<std::uint32_t>(local.size() + size);
  const auto path = scratch.write("a.pth", local);
  std::ofstream file(path, std::ios::binary | std::ios::in);
  file.seekp(offset);
  file << central << "PK\5\6" << u16(0) << u16(0) << u16(1) << u16(1) << number(static_cast<std::uint32_t>(central.size())) << number(offset) << u16(0);
  return path;
}

TEST(Checkpoint, ADescriptionHasALimit) {
  constexpr std::uint32_t kMost = 256u << 20;
  Scratch scratch;
  EXPECT_THAT(fault_of(zeros_in_zip(scratch, kMost)), HasSubstr("unsupported opcode 0"));
  EXPECT_THAT(fault_of(zeros_in_zip(scratch, kMost + 1)), HasSubstr("its data.pkl has 268435457 bytes"));
}

TEST(Pickle, ReadsLongs) {
  const auto value = [](std::string_view bytes) { Unpickler machine(bytes); return machine.load().integer; };
  EXPECT_EQ(value(std::string_view("\x8a\x00.", 3)), 0);
  EXPECT_EQ(value("\x8a\x01\xff."), -1);
  EXPECT_EQ(value(std::string_view("\x8a\x02\x00\x80.", 5)), -32768);
  EXPECT_EQ(value("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."), INT64_MAX);
}

// Truncations at every length and random bytes at random places: an error or a sound result, never a crash.
void mutate(const std::string& name, int rounds) {
  const std::string good = content(kFiles / name);
  Scratch scratch;
  std::uint32_t random = 7;
  const auto next = [&random] { return random = random * 1664525u + 1013904223u, random >> 4; };
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = good;
    if (round % 4 == 0) bytes.resize(next() % bytes.size());
    else for (unsigned i = 0, n = 1 + next() % 4; i < n; ++i) bytes[next() % (round % 2 ? std::min<std::size_t>(bytes.size(), 1200) : bytes.size())] = static_cast<char>(next());
    try {
      for (const auto& [key, tensor] : load_checkpoint(scratch.write("m.pth", bytes))) (void)tensor.clone();
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, rounds / 8);
}

TEST(Checkpoint, SurvivesMutatedZipFiles) { mutate("odd_tensors.pth", 600); }
TEST(Checkpoint, SurvivesMutatedLegacyFiles) { mutate("odd_tensors_legacy.pth", 600); }

}  // namespace
}  // namespace darkroom
