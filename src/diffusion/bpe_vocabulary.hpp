#pragma once
// The vocabulary file that is linked into the program.

#include <string>

namespace darkroom {

/// bpe_simple_vocab_16e6.txt: a line of version, then one merge a line, the most frequent first.
std::string bpe_vocabulary();

}  // namespace darkroom
