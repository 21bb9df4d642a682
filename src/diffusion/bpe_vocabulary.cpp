#include "diffusion/bpe_vocabulary.hpp"

#include <zlib.h>

#include "base/error.hpp"

// The assembler copies the file into the object, so that a worker needs no file of ours to be found at run time.
__asm__(
    ".pushsection .rodata\n"
    ".globl darkroom_bpe_vocabulary\n"
    ".globl darkroom_bpe_vocabulary_end\n"
    "darkroom_bpe_vocabulary:\n"
    ".incbin \"" DARKROOM_BPE_VOCABULARY "\"\n"
    "darkroom_bpe_vocabulary_end:\n"
    ".popsection\n");
extern "C" const unsigned char darkroom_bpe_vocabulary[], darkroom_bpe_vocabulary_end[];

namespace darkroom {

std::string bpe_vocabulary() {
  constexpr std::size_t kMost = 4 << 20;  // the file has 3,194,984 bytes
  std::string text(kMost, '\0');
  z_stream stream{};
  stream.next_in = const_cast<Bytef*>(darkroom_bpe_vocabulary);
  stream.avail_in = static_cast<uInt>(darkroom_bpe_vocabulary_end - darkroom_bpe_vocabulary);
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  constexpr int kGzip = 16 + MAX_WBITS;
  const bool whole = inflateInit2(&stream, kGzip) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END;
  text.resize(stream.total_out);
  inflateEnd(&stream);
  if (!whole) throw InternalError("the byte-pair vocabulary is damaged");
  return text;
}

}  // namespace darkroom
