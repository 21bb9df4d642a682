#include "broker/fair_lane.hpp"

#include <algorithm>

namespace darkroom {
namespace {
/// Limit: users and clients without waiting jobs whose turn is remembered. Beyond: the longest unserved are forgotten. Fixed: only fairness
/// among more is lost. Edge: FairQueue.TurnsAreRememberedForALimitedNumber.
constexpr std::size_t kRemembered = 1024;
}  // namespace

void FairLane::add(const QueueEntry& entry) {
  if (!entries_.emplace(entry.ticket, entry).second) return;
  const Place place{entry.number, entry.ticket};
  if (entry.explicit_number) {
    explicit_.insert(place);
    return;
  }
  User& user = users_[entry.owner];
  Client& client = user.clients[entry.client];
  erase_turns(user, client);
  client.jobs.insert(place);
  insert_turns(entry.owner, user, entry.client, client);
}

bool FairLane::remove(std::int64_t ticket) {
  const auto found = entries_.find(ticket);
  if (found == entries_.end()) return false;
  const QueueEntry entry = found->second;
  entries_.erase(found);
  const Place place{entry.number, entry.ticket};
  if (entry.explicit_number) {
    explicit_.erase(place);
    return true;
  }
  User& user = users_[entry.owner];
  Client& client = user.clients[entry.client];
  erase_turns(user, client);
  client.jobs.erase(place);
  insert_turns(entry.owner, user, entry.client, client);
  return true;
}

std::optional<FairLane::Place> FairLane::rotation_head() const {
  if (turns_.empty()) return std::nullopt;
  Place head = users_.at(turns_.begin()->second).turns.begin()->first.head;
  // Numbers that give no turn go before none that do: automatic ones begin at 0.
  head.number = std::max(head.number, 0.0);
  return head;
}

std::optional<std::int64_t> FairLane::next() const {
  const auto automatic = rotation_head();
  if (explicit_.empty()) return automatic ? std::optional(automatic->ticket) : std::nullopt;
  const Place first = *explicit_.begin();
  return automatic && *automatic < first ? automatic->ticket : first.ticket;
}

std::optional<std::int64_t> FairLane::take() {
  const auto ticket = next();
  if (!ticket) return std::nullopt;
  const QueueEntry entry = entries_.at(*ticket);
  remove(*ticket);
  if (!entry.explicit_number) serve(entry);
  return ticket;
}

void FairLane::rest(const std::string& owner, bool resting) {
  User& user = users_[owner];
  if (user.resting == resting) return;
  if (!user.turns.empty()) {
    const Turn turn{user.served, user.turns.begin()->first.head};
    if (resting) turns_.erase(turn);
    else turns_.emplace(turn, owner);
  }
  user.resting = resting;
}

std::vector<std::int64_t> FairLane::order() const {
  FairLane copy = *this;
  for (const auto& [owner, user] : users_) copy.rest(owner, false);
  std::vector<std::int64_t> tickets;
  tickets.reserve(size());
  while (const auto ticket = copy.take()) tickets.push_back(*ticket);
  return tickets;
}

/// Takes the user and the client out of their rotations, before either changes.
void FairLane::erase_turns(User& user, Client& client) {
  if (!user.turns.empty()) turns_.erase({user.served, user.turns.begin()->first.head});
  if (!client.jobs.empty()) user.turns.erase({client.served, *client.jobs.begin()});
}

void FairLane::insert_turns(const std::string& owner, User& user, const std::string& client_name, Client& client) {
  if (!client.jobs.empty()) user.turns.emplace(Turn{client.served, *client.jobs.begin()}, client_name);
  if (!user.turns.empty() && !user.resting) turns_.emplace(Turn{user.served, user.turns.begin()->first.head}, owner);
}

void FairLane::serve(const QueueEntry& entry) {
  User& user = users_[entry.owner];
  Client& client = user.clients[entry.client];
  erase_turns(user, client);
  user.served = client.served = ++clock_;
  insert_turns(entry.owner, user, entry.client, client);
  if (++served_since_forgetting_ > 2 * kRemembered) forget_served();
}

/// Keeps memory bounded when clients come and go: those that wait for nothing and were served longest ago are new again.
void FairLane::forget_served() {
  const std::uint64_t since = clock_ > kRemembered ? clock_ - kRemembered : 0;
  for (auto user = users_.begin(); user != users_.end();) {
    std::erase_if(user->second.clients, [&](const auto& item) { return item.second.jobs.empty() && item.second.served < since; });
    if (user->second.clients.empty() && !user->second.resting) user = users_.erase(user);
    else ++user;
  }
  served_since_forgetting_ = 0;
}

}  // namespace darkroom
