#pragma once
// The order among waiting jobs of one priority (DESIGN §9). No I/O and no clock: only who is next.
//
// Jobs with an explicit number go strictly by it. Automatic ones rotate: the least recently served user, and of that user
// the least recently served client, gives its oldest job. An explicit number competes with the number of the job that is
// next in the rotation, and takes no turn of it. With one client this is plain order by number; equal numbers go by arrival. Numbers
// that a user chose for jobs that are not explicit order these among themselves and give no turn before others.

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace darkroom {

/// What the order looks at.
struct QueueEntry {
  std::int64_t ticket = 0;  ///< arrival order, unique
  double number = 0;
  bool explicit_number = false;
  std::string owner;
  std::string client;  ///< "" for all jobs without one
  int priority = 0;
};

class FairLane {
 public:
  void add(const QueueEntry& entry);
  /// Takes a job out without serving it. False when it isn't here.
  bool remove(std::int64_t ticket);
  /// The job that take() would give.
  std::optional<std::int64_t> next() const;
  /// Takes the next job out; an automatic one counts as a turn of its user and client.
  std::optional<std::int64_t> take();
  /// A user whose jobs are passed over, until it is not resting any more.
  void rest(const std::string& owner, bool resting);
  /// All jobs in the order in which take() would give them if nobody rested. Those who rest are none of its concern here.
  std::vector<std::int64_t> order() const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Place {  ///< order within one client, and among explicit numbers
    double number;
    std::int64_t ticket;
    auto operator<=>(const Place&) const = default;
  };
  struct Turn {  ///< order in a rotation: whose last service is longest ago; the older job where both were never served
    std::uint64_t served = 0;
    Place head{};
    auto operator<=>(const Turn& other) const { return std::tie(served, head.ticket) <=> std::tie(other.served, other.head.ticket); }
    bool operator==(const Turn& other) const { return served == other.served && head.ticket == other.head.ticket; }
  };
  struct Client {
    std::uint64_t served = 0;
    std::set<Place> jobs;
  };
  struct User {
    std::uint64_t served = 0;
    std::unordered_map<std::string, Client> clients;
    std::map<Turn, std::string> turns;  ///< its clients that wait
    bool resting = false;
  };

  std::optional<Place> rotation_head() const;
  void insert_turns(const std::string& owner, User& user, const std::string& client_name, Client& client);
  void erase_turns(User& user, Client& client);
  void serve(const QueueEntry& entry);
  void forget_served();

  std::unordered_map<std::int64_t, QueueEntry> entries_;
  std::set<Place> explicit_;
  std::unordered_map<std::string, User> users_;
  std::map<Turn, std::string> turns_;  ///< users that wait
  std::uint64_t clock_ = 0;
  std::size_t served_since_forgetting_ = 0;
};

}  // namespace darkroom
