#include "identity/api_tokens.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "identity/base64url.hpp"
#include "identity/jwt.hpp"
#include "identity/signer.hpp"
#include "storage/part_file.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSecretBytes = 32, kIdDigits = 12;
/// Limit: API tokens of one server. Beyond: no more are made. Fixed: the file is read as a whole. Edge: ApiTokensTest.HaveALimit.
constexpr std::size_t kMaxTokens = 10000;
/// Limit: label of an API token, bytes. Beyond: it is refused. Fixed: it is there to be read. Edge: ApiTokensTest.RefusesNamesAndLabels.
constexpr std::size_t kMaxLabel = 200;

/// Which state of the file it is: every change makes a new one. 0: it is not there.
std::int64_t change_mark(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return 0;
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec + static_cast<std::int64_t>(info.st_ino);
}

/// One process at a time changes the file.
class Lock {
 public:
  explicit Lock(const fs::path& file) : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX) != 0) throw Forbidden("the file " + file.string() + " can't be written");
  }
  ~Lock() { ::close(descriptor_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

bool is_over(const ApiToken& token, std::int64_t now) { return token.expires > 0 && now >= token.expires; }

}  // namespace

fs::path api_tokens_file(const fs::path& base_directory) { return base_directory / "api-tokens.json"; }

void ApiTokens::read() {
  const std::int64_t changed = change_mark(file_);
  if (changed == changed_) return;
  tokens_.clear();
  if (changed == 0) {
    changed_ = 0;
    return;
  }
  std::ifstream in(file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    const json::value document = parse_json(text);
    for (const auto& [hash, value] : document.as_object()) {
      const json::object& one = value.as_object();
      tokens_[hash] = {.id = std::string(hash).substr(0, kIdDigits), .user = string_or(one, "user", ""), .label = string_or(one, "label", ""),
                       .created = int_or(one, "created", 0), .expires = int_or(one, "expires", 0)};
    }
  } catch (const std::exception& fault) {
    throw InvalidInput("the API tokens in " + file_.string() + " can't be read: " + fault.what());
  }
  changed_ = changed;
}

template <class Change>
void ApiTokens::change(Change make_change) {
  const Lock lock(file_.string() + ".lock");
  read();
  make_change();
  json::object document;
  for (const auto& [hash, token] : tokens_)
    document[hash] = json::object{{"user", token.user}, {"label", token.label}, {"created", token.created}, {"expires", token.expires}};
  PartFile part(file_.parent_path());
  part.write(dump(json::value(document)));
  part.replace(file_, true);
  ::chmod(file_.c_str(), 0600);
  changed_ = change_mark(file_);
}

ApiTokens::Made ApiTokens::make(const std::string& user, const std::string& label, std::int64_t expires, std::int64_t now) {
  if (user.empty() || user.size() > kLongestUser || !is_valid_utf8(user) || user.find('\0') != std::string::npos) throw InvalidInput("this is no name of a user");
  if (is_reserved_user(user)) throw InvalidInput("\"" + user + "\" is a name that this server keeps for itself");
  if (label.size() > kMaxLabel || !is_valid_utf8(label)) throw InvalidInput("a label has at most " + std::to_string(kMaxLabel) + " bytes of UTF-8");
  Made made{.text = std::string(kPrefix) + base64url(random_bytes(kSecretBytes)), .token = {}};
  const std::string hash = sha256_hex(made.text);
  made.token = {.id = hash.substr(0, kIdDigits), .user = user, .label = label, .created = now, .expires = expires};
  change([&] {
    std::erase_if(tokens_, [now](const auto& item) { return is_over(item.second, now); });
    if (tokens_.size() >= kMaxTokens) throw TooLarge("there are " + std::to_string(kMaxTokens) + " API tokens already: revoke some");
    tokens_[hash] = made.token;
  });
  return made;
}

std::optional<ApiToken> ApiTokens::find(std::string_view text, std::int64_t now) {
  read();
  const auto found = tokens_.find(sha256_hex(text));
  if (found == tokens_.end() || is_over(found->second, now)) return std::nullopt;
  return found->second;
}

std::optional<ApiToken> ApiTokens::with_id(std::string_view id, std::int64_t now) {
  read();
  for (const auto& [hash, token] : tokens_)
    if (token.id == id) return is_over(token, now) ? std::nullopt : std::optional(token);
  return std::nullopt;
}

std::vector<ApiToken> ApiTokens::list(std::string_view user) {
  read();
  std::vector<ApiToken> out;
  for (const auto& [hash, token] : tokens_)
    if (user.empty() || token.user == user) out.push_back(token);
  std::sort(out.begin(), out.end(), [](const ApiToken& a, const ApiToken& b) { return std::tie(a.created, a.id) < std::tie(b.created, b.id); });
  return out;
}

bool ApiTokens::revoke(std::string_view user, std::string_view id) {
  bool revoked = false;
  change([&] { revoked = std::erase_if(tokens_, [&](const auto& item) { return item.second.id == id && (user.empty() || item.second.user == user); }) > 0; });
  return revoked;
}

}  // namespace darkroom
