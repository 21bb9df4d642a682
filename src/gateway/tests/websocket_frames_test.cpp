#include "gateway/websocket_frames.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

std::string masked(int first_byte, std::string payload, bool mask = true) {
  std::string out(1, static_cast<char>(first_byte));
  const int bit = mask ? 0x80 : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(bit | static_cast<int>(payload.size()));
  } else if (payload.size() < 65536) {
    out += static_cast<char>(bit | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(bit | 127);
    for (int i = 7; i >= 0; --i) out += static_cast<char>(static_cast<std::uint64_t>(payload.size()) >> (8 * i));
  }
  if (!mask) return out + payload;
  const char key[] = {0x11, 0x22, 0x33, 0x44};
  out.append(key, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ key[i & 3]);
  return out;
}

TEST(FrameHeader, ThreeLengths) {
  EXPECT_EQ(frame_header(Opcode::kText, 5).size, 2u);
  EXPECT_EQ(frame_header(Opcode::kText, 125).size, 2u);
  const FrameHeader middle = frame_header(Opcode::kBinary, 300);
  EXPECT_EQ(std::string(middle.bytes.data(), middle.size), std::string("\x82\x7e\x01\x2c", 4));
  const FrameHeader large = frame_header(Opcode::kText, 65536);
  EXPECT_EQ(std::string(large.bytes.data(), large.size), std::string("\x81\x7f\0\0\0\0\0\1\0\0", 10));
}

TEST(FrameReader, WholeMessagesInAnyPieces) {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 70000u}) {
    const std::string payload(size, 'a');
    const std::string wire = masked(0x81, payload) + masked(0x82, "bin");
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1000}, wire.size()}) {
      if (piece < 3 && size > 1000) continue;
      FrameReader reader;
      std::vector<Incoming> seen;
      for (std::size_t at = 0; at < wire.size(); at += piece) {
        reader.feed(std::string_view(wire).substr(at, piece));
        while (auto incoming = reader.next()) seen.push_back(std::move(*incoming));
      }
      ASSERT_EQ(seen.size(), 2u) << size << " " << piece;
      EXPECT_EQ(seen[0].payload, payload);
      EXPECT_EQ(seen[1].opcode, Opcode::kBinary);
      EXPECT_EQ(reader.fault(), 0);
    }
  }
}

TEST(FrameReader, FragmentsWithAPingBetween) {
  FrameReader reader;
  reader.feed(masked(0x01, "one ") + masked(0x89, "ping") + masked(0x00, "two ") + masked(0x80, "three"));
  auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->opcode, Opcode::kPing);
  EXPECT_EQ(first->payload, "ping");
  auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->opcode, Opcode::kText);
  EXPECT_EQ(second->payload, "one two three");
  EXPECT_FALSE(reader.next());
}

std::uint16_t fault_of(const std::string& wire) {
  FrameReader reader;
  reader.feed(wire);
  while (reader.next()) {
  }
  return reader.fault();
}

TEST(FrameReader, BreachesOfTheProtocol) {
  EXPECT_EQ(fault_of(masked(0x81, "x", false)), kProtocolError) << "not masked";
  EXPECT_EQ(fault_of(masked(0xc1, "x")), kProtocolError) << "a reserved bit: no extension was agreed on";
  EXPECT_EQ(fault_of(masked(0x83, "x")), kProtocolError) << "an unknown opcode";
  EXPECT_EQ(fault_of(masked(0x80, "x")), kProtocolError) << "goes on without a beginning";
  EXPECT_EQ(fault_of(masked(0x01, "x") + masked(0x81, "y")), kProtocolError) << "begins inside a message";
  EXPECT_EQ(fault_of(masked(0x09, "x")), kProtocolError) << "a control frame in fragments";
  EXPECT_EQ(fault_of(masked(0x89, std::string(126, 'x'))), kProtocolError) << "a long control frame";
  EXPECT_EQ(fault_of(masked(0x81, "\xff\xfe")), kBadText);
}

TEST(FrameReader, TooLongIsKnownFromTheHeader) {
  EXPECT_EQ(fault_of(masked(0x81, std::string(kMaxIncoming + 1, 'x')).substr(0, 14)), kTooBig);
  FrameReader reader;
  reader.discard_messages();
  const std::string half = masked(0x02, std::string(kMaxIncoming / 2 + 1, 'x'));
  reader.feed(half);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.fault(), 0);
  std::string rest = masked(0x80, std::string(kMaxIncoming / 2 + 1, 'x'));
  reader.feed(rest);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.fault(), kTooBig) << "fragments count together, discarded ones too";
}

}  // namespace
}  // namespace darkroom
