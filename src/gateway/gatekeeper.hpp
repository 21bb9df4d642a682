#pragma once
// Decides who a request is from, and whether it may pass (docs/hosting.md). With --auth: the bearer of a JSON web token or API token, in the
// header Authorization, by the cookie of a login, or by a ticket in the query. Without: whoever is on this machine is `local`; others
// are visitors, each with a signed cookie. Lives on the io thread.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/http.hpp"
#include "identity/api_tokens.hpp"
#include "identity/authority.hpp"
#include "identity/signer.hpp"

namespace darkroom {

struct Options;

class Gatekeeper {
 public:
  /// Throws what Authority and Signer::of_file() throw.
  explicit Gatekeeper(const Options& options);

  struct Passed {
    Identity who;
    std::string set_cookie;  ///< to be sent with the reply; "": none
  };
  using Verdict = std::variant<Passed, Response>;
  /// Passes, or is answered with 401 (a page is sent to the login instead), or with 403. `socket`: it opens a WebSocket, for which a ticket
  /// is good.
  Verdict admit(const Request& request, Access access, bool socket);
  /// Is a login or socket of this identity to end: has its token expired, or been revoked?
  bool is_over(const Identity& who);

  bool auth() const { return auth_; }

  // -- what routes/auth.cpp gives out
  /// Who a token is of. Throws BadToken.
  Identity bearer_of(std::string_view token, std::int64_t now);
  /// The cookie of somebody who has logged in, and the one that ends it.
  std::string session_cookie(const Identity& bearer, const Request& request, std::int64_t now) const;
  static std::string ended_session_cookie();
  /// Opens a WebSocket for `kTicketSeconds`.
  std::string ticket(const Identity& who, std::int64_t now) const;
  /// `path` with a signature that lets everybody who has it read it as this user, until `expires`.
  std::string signed_link(const std::string& user, const std::string& path, std::int64_t expires) const;

  ApiTokens& api_tokens() { return api_tokens_; }

  static constexpr std::int64_t kTicketSeconds = 60;

 private:
  std::optional<Identity> signed_in(std::string_view purpose, std::string_view text, std::int64_t now);
  Identity named(std::string user, std::string token_id, std::int64_t expires) const;
  Verdict by_credentials(const Request& request, bool socket, std::int64_t now);
  Verdict without_auth(const Request& request, bool socket, std::int64_t now);

  const Options& options_;
  bool auth_;
  std::optional<Authority> authority_;
  ApiTokens api_tokens_;
  Signer signer_;
};

}  // namespace darkroom
