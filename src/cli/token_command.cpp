// `darkroom token`: a JSON web token for tests, signed with a key of --auth; and the API tokens of a server.

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <cstdio>
#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "gateway/options.hpp"
#include "identity/api_tokens.hpp"
#include "identity/authority.hpp"

namespace darkroom {
namespace {

constexpr double kLongestDays = 3650;

struct TokenOptions {
  std::string user, label, id, audience, issuer;
  std::filesystem::path auth, base = default_base_directory();
  double hours = 1, days = 0;
  bool json = false;
};

std::int64_t now_s() { return now_ms() / 1000; }

/// Runs `work`, and says what went wrong.
template <class Work>
int guarded(Work work) {
  try {
    return static_cast<int>(work());
  } catch (const Error& error) {
    std::fprintf(stderr, "darkroom token: %s\n", error.what());
    return static_cast<int>(error.kind() == ErrorKind::kInvalidInput ? RunStatus::kUsage : RunStatus::kInternal);
  }
}

ApiTokens tokens_below(const std::filesystem::path& base) {
  std::error_code ignored;
  std::filesystem::create_directories(base, ignored);
  return ApiTokens(api_tokens_file(base));
}

RunStatus sign(const TokenOptions& options) {
  if (options.user.empty() || options.auth.empty()) throw InvalidInput("--auth FILE and --user NAME are wanted");
  const AuthFile file = AuthFile::read(options.auth);
  const std::int64_t now = now_s();
  json::object claims{{"sub", options.user}, {"iat", now}, {"exp", now + static_cast<std::int64_t>(options.hours * 3600)}};
  const std::string& audience = options.audience.empty() ? file.rules.audience : options.audience;
  const std::string& issuer = options.issuer.empty() ? file.rules.issuer : options.issuer;
  if (!audience.empty()) claims.emplace("aud", audience);
  if (!issuer.empty()) claims.emplace("iss", issuer);
  std::printf("%s\n", sign_jwt(file.signing_key(), claims).c_str());
  return RunStatus::kDone;
}

RunStatus create(const TokenOptions& options) {
  const std::int64_t now = now_s(), expires = options.days > 0 ? now + static_cast<std::int64_t>(options.days * 24 * 3600) : 0;
  const auto made = tokens_below(options.base).make(options.user, options.label, expires, now);
  std::printf("%s\n", made.text.c_str());
  std::fprintf(stderr, "token %s of %s; it is not shown again\n", made.token.id.c_str(), made.token.user.c_str());
  return RunStatus::kDone;
}

std::string date_of(std::int64_t seconds) {
  if (seconds == 0) return "never";
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

RunStatus list(const TokenOptions& options) {
  const auto tokens = tokens_below(options.base).list(options.user);
  json::array shown;
  for (const ApiToken& token : tokens) {
    if (options.json) {
      shown.push_back(json::object{{"id", token.id}, {"user", token.user}, {"label", token.label}, {"created", token.created},
                                   {"expires", token.expires > 0 ? json::value(token.expires) : json::value()}});
    } else {
      std::printf("%s  %s  made %s, expires %s  %s\n", token.id.c_str(), token.user.c_str(), date_of(token.created).c_str(), date_of(token.expires).c_str(), token.label.c_str());
    }
  }
  if (options.json) std::printf("%s\n", dump(json::value(shown)).c_str());
  else if (tokens.empty()) std::fprintf(stderr, "no tokens\n");
  return RunStatus::kDone;
}

RunStatus revoke(const TokenOptions& options) {
  if (!tokens_below(options.base).revoke("", options.id)) throw NotFound("there is no token " + options.id);
  std::fprintf(stderr, "token %s is not valid any more\n", options.id.c_str());
  return RunStatus::kDone;
}

}  // namespace

void add_token_command(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("token", "Tokens for a server with --auth: a JSON web token, or API tokens (create, list, revoke)");
  const auto options = std::make_shared<TokenOptions>();
  command->add_option("--auth", options->auth, "The server's file of keys; one of them must be a secret or a private key");
  command->add_option("--user", options->user, "Whose token (sub)");
  command->add_option("--hours", options->hours, "How long it is good  [1]")->check(CLI::Range(-1e5, 1e5));
  command->add_option("--audience", options->audience, "Another audience than that of the file");
  command->add_option("--issuer", options->issuer, "Another issuer than that of the file");
  command->footer("Examples: darkroom token --auth auth.yaml --user anna --hours 8\n          darkroom token create --user anna --label laptop --days 90");

  const auto add = [&](const char* name, const char* help, RunStatus (*work)(const TokenOptions&)) {
    CLI::App* sub = command->add_subcommand(name, help);
    sub->add_option("--base-directory", options->base, "The server's data folder");
    sub->callback([options, work, &status] { status = guarded([&] { return work(*options); }); });
    return sub;
  };
  CLI::App* make = add("create", "Makes an API token and prints it; the server need not be running", create);
  make->add_option("--user", options->user, "Whose token")->required();
  make->add_option("--label", options->label, "What it is for");
  make->add_option("--days", options->days, "How long it is good; 0: until it is revoked  [0]")->check(CLI::Range(0.0, kLongestDays));
  CLI::App* show = add("list", "Lists API tokens; their texts are kept nowhere", list);
  show->add_option("--user", options->user, "Of this user alone");
  show->add_flag("--json", options->json, "As JSON");
  add("revoke", "Makes an API token worthless, at once", revoke)->add_option("id", options->id, "As list shows it")->required();
  command->callback([command, options, &status] {
    if (command->get_subcommands().empty()) status = guarded([&] { return sign(*options); });
  });
}

}  // namespace darkroom
