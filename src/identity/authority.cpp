#include "identity/authority.hpp"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: the file of --auth and each that it names, bytes. Beyond: the server does not start and says so. Fixed: keys have some thousand.
/// Edge: AuthFileTest.FilesHaveALimit.
constexpr std::size_t kMaxFile = 1u << 20;
/// Limit: tokens whose signature is remembered as good. Beyond: all are checked anew. Fixed: bounds the memory of the gateway. Edge:
/// AuthorityTest.RemembersALimitedNumberOfTokens.
constexpr std::size_t kMaxBelieved = 4096;

std::string read_text(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw NotFound("the file " + file.string() + " can't be read");
  std::string text(kMaxFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFile) throw InvalidInput(file.string() + ": longer than " + std::to_string(kMaxFile) + " bytes");
  return text;
}

/// Runs `work`; what it refuses is told with the name of the file.
template <class Work>
auto reading(const fs::path& file, Work work) {
  try {
    return work();
  } catch (const InvalidInput& fault) {
    throw InvalidInput(file.string() + ": " + fault.what());
  }
}

class Reader {
 public:
  explicit Reader(const fs::path& file) : file_(file) { out_.files.push_back(file); }

  AuthFile read() {
    const std::string text = read_text(file_);
    if (text.find("-----BEGIN ") != std::string::npos) {
      out_.keys.push_back(reading(file_, [&] { return JwtKey::pem(text); }));
    } else if (is_jwks(text)) {
      add_jwks(file_, text);
    } else {
      read_yaml(text);
    }
    if (out_.keys.empty()) throw InvalidInput(file_.string() + ": it names no key for tokens");
    return std::move(out_);
  }

 private:
  using Readers = std::map<std::string, std::function<void(const YAML::Node&)>, std::less<>>;

  static bool is_jwks(const std::string& text) {
    try {
      const json::value value = parse_json(text);
      return value.is_object() && find_array(value.get_object(), "keys");
    } catch (const Error&) {
      return false;
    }
  }

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& why) const {
    throw InvalidInput(file_.string() + ", line " + std::to_string(mark.is_null() ? 1 : mark.line + 1) + ": " + why);
  }

  void read_map(const YAML::Node& map, const char* what, const Readers& readers) const {
    if (!map.IsMap()) fail(map.Mark(), std::string(what) + " must be a map");
    for (const auto& item : map) {
      const auto reader = readers.find(item.first.as<std::string>(""));
      if (reader == readers.end()) fail(item.first.Mark(), "\"" + item.first.as<std::string>("") + "\" is not known here");
      reader->second(item.second);
    }
  }

  std::string word(const YAML::Node& node) const {
    if (!node.IsScalar() || node.Scalar().empty()) fail(node.Mark(), "a text is wanted here");
    return node.Scalar();
  }

  /// A file that is named, beside the one that names it.
  std::string named(const YAML::Node& node, fs::path& file) {
    file = fs::absolute(file_).parent_path() / word(node);
    out_.files.push_back(file);
    return read_text(file);
  }

  void add_jwks(const fs::path& file, const std::string& text) {
    auto keys = reading(file, [&] { return jwks_keys(text); });
    out_.keys.insert(out_.keys.end(), std::make_move_iterator(keys.begin()), std::make_move_iterator(keys.end()));
  }

  void add_key(const YAML::Node& node) {
    std::string id;
    std::optional<JwtKey> key;
    if (node.IsMap() && node["id"]) id = word(node["id"]);
    fs::path file;
    const Readers readers{
        {"id", [](const YAML::Node&) {}},
        {"secret", [&](const YAML::Node& value) { key = reading(file_, [&] { return JwtKey::secret(word(value), id); }); }},
        {"secret_file",
         [&](const YAML::Node& value) {
           const std::string text = named(value, file);
           key = reading(file, [&] { return JwtKey::secret(std::string(trim(text)), id); });
         }},
        {"file", [&](const YAML::Node& value) {
           const std::string text = named(value, file);
           key = reading(file, [&] { return JwtKey::pem(text, id); });
         }}};
    read_map(node, "a key", readers);
    if (!key) fail(node.Mark(), "a key has a secret, a secret_file or a file");
    out_.keys.push_back(std::move(*key));
  }

  void read_yaml(const std::string& text) {
    YAML::Node document;
    try {
      document = YAML::Load(text);
    } catch (const YAML::Exception& fault) {
      fail(fault.mark, fault.msg);
    }
    const auto each = [this](const YAML::Node& list, const auto& use) {
      if (!list.IsSequence()) fail(list.Mark(), "a list is wanted here");
      for (const auto& one : list) use(one);
    };
    const Readers readers{
        {"keys", [&](const YAML::Node& list) { each(list, [this](const YAML::Node& one) { add_key(one); }); }},
        {"jwks",
         [&](const YAML::Node& value) {
           fs::path file;
           const std::string keys = named(value, file);
           add_jwks(file, keys);
         }},
        {"audience", [&](const YAML::Node& value) { out_.rules.audience = word(value); }},
        {"issuer", [&](const YAML::Node& value) { out_.rules.issuer = word(value); }},
        {"leeway", [&](const YAML::Node& value) {
           const int seconds = value.as<int>(-1);
           if (seconds < 0 || seconds > 3600) fail(value.Mark(), "leeway is a number of seconds from 0 to 3600");
           out_.rules.leeway_s = seconds;
         }},
        {"admins", [&](const YAML::Node& list) { each(list, [this](const YAML::Node& one) { out_.admins.insert(word(one)); }); }}};
    read_map(document, "the file", readers);
  }

  fs::path file_;
  AuthFile out_;
};

}  // namespace

AuthFile AuthFile::read(const fs::path& file) { return Reader(file).read(); }

const JwtKey& AuthFile::signing_key() const {
  for (const JwtKey& key : keys)
    if (key.can_sign()) return key;
  throw InvalidInput("none of the keys can sign: a secret or a private key is wanted");
}

Authority::Authority(fs::path file) : path_(std::move(file)), file_(AuthFile::read(path_)), times_(times()) {}

std::vector<std::int64_t> Authority::times() const {
  std::vector<std::int64_t> times;
  for (const auto& file : file_.files) {
    struct stat info {};
    times.push_back(::stat(file.c_str(), &info) == 0 ? std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec : 0);
  }
  return times;
}

void Authority::refresh(std::int64_t now) {
  if (now == looked_) return;
  looked_ = now;
  auto current = times();
  if (current == times_) return;
  times_ = std::move(current);  // also of what can't be read: it is not tried again before it changes
  try {
    AuthFile fresh = AuthFile::read(path_);
    const bool same_files = fresh.files == file_.files;
    file_ = std::move(fresh);
    if (!same_files) times_ = times();  // else those from before: what changes meanwhile is seen the next time
    believed_.clear();
    log::info("{} has changed and is in use now", path_.string());
  } catch (const Error& fault) {
    log::error("{} has changed, but the keys from before stay in use: {}", path_.string(), fault.what());
  }
}

JwtClaims Authority::verify(std::string_view token, std::int64_t now) {
  refresh(now);
  const std::string hash = sha256_hex(token);
  if (const auto found = believed_.find(hash); found != believed_.end()) {
    if (now >= found->second.expires + file_.rules.leeway_s) throw BadToken("The token has expired");
    return found->second;
  }
  const JwtClaims claims = verify_jwt(token, file_.keys, file_.rules, now);
  if (believed_.size() >= kMaxBelieved) believed_.clear();
  believed_.emplace(hash, claims);
  return claims;
}

}  // namespace darkroom
