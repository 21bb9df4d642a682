#pragma once
// CLIP's tokenizer: a text, as people write it, to the ids of its vocabulary.

#include <string_view>
#include <vector>

namespace darkroom {

/// The ids of `text` without start and end marks. Unicode's composed form (NFC), lower case, words split from digits and signs,
/// byte pairs of each. The texts "<|startoftext|>" and "<|endoftext|>" become their ids. Bytes that are no UTF-8 stand for U+FFFD.
std::vector<int> clip_tokens(std::string_view text);

/// Is it white space (Unicode's White_Space)?
bool is_blank(char32_t c);

}  // namespace darkroom
