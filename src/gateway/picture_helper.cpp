#include "gateway/picture_helper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/services.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

/// Limit: words of darkroom-picture in an error, bytes. Beyond: they are cut. Fixed: it says one line. Edge:
/// PictureHelperLimits.WordsAreCut.
constexpr std::size_t kMaxWords = 1024;

/// An open file, closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

struct Pipe {
  Descriptor read, write;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Unavailable("no pipe for the picture program");
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
  }
};

Descriptor open_file(const fs::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) throw NotFound("no such picture");
  return file;
}

/// The running program. Killed and waited for when it goes, so that no process outlives its request.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

pid_t spawn(const fs::path& program, const std::vector<std::string>& arguments, int input, int output, int words, int second) {
  struct Actions {
    posix_spawn_file_actions_t list;
    Actions() { ::posix_spawn_file_actions_init(&list); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&list); }
  } actions;
  ::posix_spawn_file_actions_adddup2(&actions.list, input, 0);
  ::posix_spawn_file_actions_adddup2(&actions.list, output, 1);
  ::posix_spawn_file_actions_adddup2(&actions.list, words, 2);
  if (second >= 0) ::posix_spawn_file_actions_adddup2(&actions.list, second, 3);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.list, second >= 0 ? 4 : 3);  // no socket of a client goes along

  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::array<char*, 3> environment{const_cast<char*>("LANG=C.UTF-8"), const_cast<char*>("PATH=/usr/bin:/bin"), nullptr};
  pid_t pid = -1;
  if (const int failure = ::posix_spawn(&pid, program.c_str(), &actions.list, nullptr, argv.data(), environment.data()); failure != 0)
    throw Unavailable("darkroom-picture does not start: " + std::generic_category().message(failure));
  return pid;
}

/// Adds what is there to `text`; false at the end of the stream.
bool read_some(Descriptor& from, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

}  // namespace

PictureHelper::PictureHelper(fs::path program, PictureLimits limits) : program_(std::move(program)), limits_(limits), pool_(limits.processes) {}

PictureHelper::~PictureHelper() { stopping_ = true; }

fs::path PictureHelper::beside_this_program() {
  std::error_code failure;
  return fs::read_symlink("/proc/self/exe", failure).parent_path() / "darkroom-picture";
}

asio::awaitable<std::string> PictureHelper::run(std::string user, std::vector<std::string> arguments, fs::path picture, fs::path second) {
  const auto own = queue_->of.find(user);
  if (queue_->all >= limits_.processes + limits_.waiting || (!user.empty() && own != queue_->of.end() && own->second >= limits_.of_user))
    throw Unavailable("too many pictures are being made");
  struct Place {
    const std::shared_ptr<Queue> queue;
    const std::string& user;
    Place(std::shared_ptr<Queue> all, const std::string& whose) : queue(std::move(all)), user(whose) { ++queue->all, ++queue->of[user]; }
    ~Place() {
      --queue->all;
      if (--queue->of[user] == 0) queue->of.erase(user);
    }
  } place(queue_, user);
  // By reference: the frame outlives the work, and GCC 12 destroys a closure that owns something twice when it is made in an
  // await expression.
  co_return co_await pool_.run([&] { return run_now(arguments, picture, second); });
}

asio::awaitable<std::string> PictureHelper::run_in_turn(std::vector<std::string> arguments, fs::path picture) {
  co_return co_await pool_.run([&] { return run_now(arguments, picture); });
}

std::string PictureHelper::run_now(const std::vector<std::string>& arguments, const fs::path& picture, const fs::path& second) {
  Descriptor input = open_file(picture);
  Descriptor extra = second.empty() ? Descriptor() : open_file(second);
  Pipe output, words;
  Child child(spawn(program_, arguments, input.get(), output.write.get(), words.write.get(), extra.get()));
  output.write.close();
  words.write.close();

  const auto deadline = Clock::now() + limits_.time;
  std::string result, complaint;
  std::array<pollfd, 2> streams{pollfd{output.read.get(), POLLIN, 0}, pollfd{words.read.get(), POLLIN, 0}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    if (stopping_) throw Unavailable("the server is stopping");
    if (Clock::now() >= deadline) throw Error(ErrorKind::kTimeout, "the picture takes longer than " + std::to_string(limits_.time.count()) + " ms");
    if (::poll(streams.data(), streams.size(), 100) <= 0) continue;
    if (streams[0].revents != 0 && !read_some(output.read, result)) streams[0].fd = -1;
    if (streams[1].revents != 0 && !read_some(words.read, complaint)) streams[1].fd = -1;
    if (result.size() > limits_.result_bytes) throw TooLarge("the result is too large");
    if (complaint.size() > kMaxWords) complaint.resize(kMaxWords);
  }
  const int status = child.wait();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return result;
  const std::string why(trim(complaint));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3) throw InvalidInput(why.empty() ? "not a picture that can be read" : why);
  if (WIFSIGNALED(status)) {
    log::warn("darkroom-picture {} was ended by signal {}", arguments.empty() ? "" : arguments.front(), WTERMSIG(status));
    throw InvalidInput("the picture cannot be read");
  }
  throw InternalError("darkroom-picture failed: " + why);
}

PictureHelper& picture_helper_of(Services& services) {
  if (!services.pictures) services.pictures = std::make_shared<PictureHelper>(PictureHelper::beside_this_program());
  return *services.pictures;
}

}  // namespace darkroom
