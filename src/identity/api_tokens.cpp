#include "identity/api_tokens.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>
#include <tuple>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
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
constexpr int kTries = 100;  ///< to get the file's lock, in 1 s
/// Limit: API tokens of one server. Beyond: no more are made. Fixed: the file is read as a whole. Edge: ApiTokensTest.HaveALimit.
constexpr std::size_t kMaxTokens = 10000;
/// Limit: API tokens of one user. Beyond: no more are made. Fixed: a few programs each. Edge: ApiTokensTest.AUserHasSoMany.
constexpr std::size_t kMaxOfUser = 50;
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
    if (descriptor_ < 0) throw Forbidden("the file of the API tokens can't be written");
    for (int tries = 0; ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0; ++tries) {
      if (tries == kTries) {
        ::close(descriptor_);
        throw Unavailable("another program is changing the API tokens: try again");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
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

ApiTokens::Known ApiTokens::read_file() const {
  Known known;
  std::error_code ignored;
  if (!fs::exists(file_, ignored)) return known;
  std::ifstream in(file_, std::ios::binary);
  if (!in) throw Forbidden("the file of the API tokens can't be read");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    const json::value document = parse_json(text);
    for (const auto& [hash, value] : document.as_object()) {
      const json::object& one = value.as_object();
      const std::string id = std::string(hash).substr(0, kIdDigits);
      known.hashes[id] = hash;
      known.by_hash[hash] = {.id = id, .user = string_or(one, "user", ""), .label = string_or(one, "label", ""), .created = int_or(one, "created", 0),
                             .expires = int_or(one, "expires", 0)};
    }
  } catch (const std::exception& fault) {
    throw InvalidInput(std::string("the file of the API tokens is damaged: ") + fault.what());
  }
  return known;
}

/// Takes over what has changed. What can't be read is said once; the tokens from before stay good.
void ApiTokens::look() {
  const std::int64_t changed = change_mark(file_);
  if (changed == changed_) return;
  changed_ = changed;
  try {
    known_ = read_file();
  } catch (const Error& fault) {
    log::error("{}: {}; the tokens from before stay in use", file_.string(), fault.what());
  }
}

template <class Change>
void ApiTokens::change(Change make_change) {
  const Lock lock(file_.string() + ".lock");
  Known known = read_file();
  make_change(known.by_hash);
  json::object document;
  for (const auto& [hash, token] : known.by_hash)
    document[hash] = json::object{{"user", token.user}, {"label", token.label}, {"created", token.created}, {"expires", token.expires}};
  PartFile part(file_.parent_path());
  part.write(dump(json::value(document)));
  part.replace(file_, true);
  ::chmod(file_.c_str(), 0600);
}

ApiTokens::Made ApiTokens::make(const std::string& user, const std::string& label, std::int64_t expires, std::int64_t now) {
  if (user.empty() || user.size() > kLongestUser || !is_valid_utf8(user) || user.find('\0') != std::string::npos) throw InvalidInput("this is no name of a user");
  if (is_reserved_user(user)) throw InvalidInput("\"" + user + "\" is a name that this server keeps for itself");
  if (label.size() > kMaxLabel || !is_valid_utf8(label)) throw InvalidInput("a label has at most " + std::to_string(kMaxLabel) + " bytes of UTF-8");
  Made made{.text = std::string(kPrefix) + base64url(random_bytes(kSecretBytes)), .token = {}};
  const std::string hash = sha256_hex(made.text);
  made.token = {.id = hash.substr(0, kIdDigits), .user = user, .label = label, .created = now, .expires = expires};
  change([&](auto& tokens) {
    std::erase_if(tokens, [now](const auto& item) { return is_over(item.second, now); });
    const auto own = static_cast<std::size_t>(std::ranges::count_if(tokens, [&](const auto& item) { return item.second.user == user; }));
    if (own >= kMaxOfUser) throw TooLarge(user + " has " + std::to_string(kMaxOfUser) + " API tokens already: revoke some");
    if (tokens.size() >= kMaxTokens) throw TooLarge("there are " + std::to_string(kMaxTokens) + " API tokens already: revoke some");
    tokens[hash] = made.token;
  });
  return made;
}

std::optional<ApiToken> ApiTokens::find(std::string_view text, std::int64_t now) {
  const std::string hash = sha256_hex(text);
  const std::scoped_lock lock(mutex_);
  look();
  const auto found = known_.by_hash.find(hash);
  if (found == known_.by_hash.end() || is_over(found->second, now)) return std::nullopt;
  return found->second;
}

std::optional<ApiToken> ApiTokens::with_id(std::string_view id, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  look();
  const auto hash = known_.hashes.find(std::string(id));
  if (hash == known_.hashes.end()) return std::nullopt;
  const ApiToken& token = known_.by_hash.at(hash->second);
  return is_over(token, now) ? std::nullopt : std::optional(token);
}

std::vector<ApiToken> ApiTokens::list(std::string_view user) {
  std::vector<ApiToken> out;
  const std::scoped_lock lock(mutex_);
  look();
  for (const auto& [hash, token] : known_.by_hash)
    if (user.empty() || token.user == user) out.push_back(token);
  std::sort(out.begin(), out.end(), [](const ApiToken& a, const ApiToken& b) { return std::tie(a.created, a.id) < std::tie(b.created, b.id); });
  return out;
}

bool ApiTokens::revoke(std::string_view user, std::string_view id) {
  bool revoked = false;
  change([&](auto& tokens) {
    revoked = std::erase_if(tokens, [&](const auto& item) { return item.second.id == id && (user.empty() || item.second.user == user); }) > 0;
  });
  return revoked;
}

}  // namespace darkroom
