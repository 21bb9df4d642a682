#pragma once
// The memory that packed models take together on one device (DESIGN §8, Memory of the worker): when it runs short, those go that
// nobody uses, least recently used first. What has gone is packed again from its file when it is next needed (tensor/packed.hpp).

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace darkroom {

/// Thread-safe. Outlives its members: they hold it.
class ModelBudget {
 public:
  struct Limits {
    std::size_t most = 0;                    ///< bytes of all packed models together; 0: as many as there is memory for
    std::size_t reserve = 0;                 ///< bytes of the device's memory that are left for what models compute
    std::function<std::size_t()> available;  ///< bytes that the device has left now; null: nobody looks
    /// Gives up at least `bytes` of what is cheaper to make again than a model, if it can; returns how many.
    std::function<std::size_t(std::size_t bytes)> spare;
    std::function<void()> trim;              ///< hands freed memory back to the system; null: nothing to do
  };

  /// A model's place in the budget; ends with it. Declare it as the owner's last member.
  class Member {
   public:
    /// What the owner lets go of, freed by the caller; null while somebody uses it. Must not wait for a lock that is held
    /// around used().
    using GiveUp = std::function<std::shared_ptr<const void>()>;

    Member(std::shared_ptr<ModelBudget> budget, GiveUp give_up);  ///< `budget` null: counted nowhere
    ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

    /// It has so many bytes and is the most recently used one. May make others give up theirs.
    void used(std::size_t bytes);
    /// It has let go of its bytes by itself.
    void gone();

   private:
    friend class ModelBudget;
    std::shared_ptr<ModelBudget> budget_;
    GiveUp give_up_;
    std::size_t bytes_ = 0;
    std::list<Member*>::iterator place_;
  };

  void configure(Limits limits);
  /// Before a model of about so many bytes is packed: others go until there is room, or until all that is left is in use.
  void make_room(std::size_t bytes);
  /// Models that nobody uses go until at least so many bytes are given up; how many were.
  std::size_t drop_unused(std::size_t bytes);
  std::size_t drop_all_unused() { return drop_unused(static_cast<std::size_t>(-1)); }

  std::size_t bytes() const;      ///< of all packed models
  std::size_t packings() const;   ///< how often a model was packed
  std::size_t available() const;  ///< bytes that the device has left now; as many as there can be when nobody looks

 private:
  using Trash = std::vector<std::shared_ptr<const void>>;
  std::size_t give_up(std::size_t bytes, const Member* except, Trash& trash);
  std::size_t shortage(std::size_t bytes) const;
  void free(Trash& trash) const;

  mutable std::mutex mutex_;
  Limits limits_;
  std::list<Member*> members_;  ///< least recently used first
  std::size_t bytes_ = 0;
  std::size_t packings_ = 0;
};

}  // namespace darkroom
