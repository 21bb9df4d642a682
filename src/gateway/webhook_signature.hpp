#pragma once
// Messages to webhooks, signed as the Standard Webhooks specification has it: receivers verify them with libraries of theirs.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace darkroom {

/// "whsec_" and 24 to 64 bytes in base64.
class WebhookSecret {
 public:
  /// Throws InvalidInput for what is none.
  static WebhookSecret parse(std::string_view text);
  /// That of `file`, which is made if it is not there: 32 random bytes, as text that only the owner may read.
  /// Throws Forbidden when it can't be read or made, InvalidInput when it holds something else.
  static WebhookSecret of_file(const std::filesystem::path& file);

  /// Value of the header webhook-signature. `timestamp`: that of webhook-timestamp, seconds since 1970.
  std::string sign(std::string_view id, std::int64_t timestamp, std::string_view body) const;

 private:
  explicit WebhookSecret(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace darkroom
