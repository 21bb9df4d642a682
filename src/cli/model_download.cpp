#include "cli/model_download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/byte_range.hpp"
#include "cli/exit_status.hpp"
#include "cli/report.hpp"
#include "cli/resumable_file.hpp"
#include "client/proxy.hpp"
#include "client/transport.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

/// Limit: redirects from the address of a model to its file. Beyond: exit status 1. Fixed: hubs use two. Edge:
/// test_models_pull.py::test_redirects_have_a_limit.
constexpr int kMaxRedirects = 10;
/// Limit: connections in a row that bring nothing of a model. Beyond: exit status 6, and what has come stays. Fixed: with the waits
/// between them half a minute. Edge: test_models_pull.py::test_a_server_that_is_gone_is_given_up.
constexpr int kMaxFruitless = 6;
/// Limit: times that a download begins anew because of what the server sends. Beyond: exit status 1. Fixed: once without ranges is
/// enough. Edge: test_models_pull.py::test_a_server_that_lies_about_ranges_and_lengths_is_given_up.
constexpr int kMaxRestarts = 2;
constexpr std::uint64_t kSpareBytes = 256u << 20;  ///< left free on the disk
constexpr std::uint64_t kLongestHead = 100u << 20;     ///< of a safetensors file, longer than any that is read

/// Whether the file begins as its ending promises; only safetensors have a beginning that can be told in a few bytes.
bool looks_right(const ResumableFile& file) {
  if (lower(file.target().extension().string()) != ".safetensors") return true;
  const std::string head = file.first_bytes(9);
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0 && head.size() == 9;) length = length << 8 | static_cast<unsigned char>(head[i]);
  return head.size() == 9 && head[8] == '{' && length <= kLongestHead && length + 8 <= file.size();
}

class Download : Transport::Reader {
 public:
  Download(const DownloadRequest& wanted, TransferView& view)
      : wanted_(wanted), view_(view), address_(wanted.from.text()), file_(wanted.target), timer_(io_), signals_(io_, SIGINT, SIGTERM) {}

  Downloaded run() {
    std::exception_ptr failure;
    signals_.async_wait([this](const boost::system::error_code& fault, int) {
      if (fault) return;
      interrupted_ = true;
      io_.stop();
    });
    asio::co_spawn(io_, work(), [&](std::exception_ptr fault) {
      failure = fault;
      io_.stop();
    });
    io_.run();
    view_.clear();
    if (interrupted_) throw RunFailure(RunStatus::kInterrupted, fmt::format("stopped at {}; the same command goes on from there", size_text(file_.size())));
    if (failure) std::rethrow_exception(failure);
    return result_;
  }

 private:
  asio::awaitable<void> work() {
    if (file_.size() > 0 && file_.origin().address == address_) view_.say(fmt::format("goes on at {}", size_text(file_.size())));
    std::uint64_t most = file_.size();
    for (int fruitless = 0; !whole_ || !accept();) {
      std::string lost;
      try {
        co_await ask();
      } catch (const Unavailable& fault) {
        lost = fault.what();
      }
      if (lost.empty()) continue;
      if (file_.size() > most) fruitless = 0;
      else if (++fruitless == kMaxFruitless) throw Unavailable(file_.size() == 0 ? lost : fmt::format("{}; {} have come, and the same command goes on from there", lost, size_text(file_.size())));
      most = std::max(most, file_.size());
      const auto wait = std::chrono::milliseconds(fruitless == 0 ? 0 : 250 << fruitless);
      view_.say(fmt::format("{}; asked again{}", lost, fruitless == 0 ? "" : fmt::format(" in {:.1f} s", static_cast<double>(wait.count()) / 1000)));
      timer_.expires_after(wait);
      co_await timer_.async_wait(asio::use_awaitable);
    }
  }

  /// One request, redirects followed. What comes goes through head() and piece().
  asio::awaitable<void> ask() {
    WebAddress at = wanted_.from;
    for (int hops = 0; hops <= kMaxRedirects; ++hops) {
      Transport client(io_.get_executor(), at.server, wanted_.tls_ca, proxy_for(at.server));
      location_.reset();
      unsized_ = false;
      const auto fields = range_fields();
      co_await client.fetch(at.target, fields, *this);
      whole_ = whole_ || unsized_;
      if (!location_) co_return;
      at = at.follow(*location_);
    }
    throw InvalidInput(fmt::format("{} leads on and on: over {} redirects", address_, kMaxRedirects));
  }

  /// A part is asked for only where the rest surely belongs to what is there: the server keeps a strong ETag, or the sum will tell.
  std::map<std::string, std::string> range_fields() const {
    const Origin& origin = file_.origin();
    const bool strong = !origin.etag.empty() && !origin.etag.starts_with("W/");
    if (file_.size() == 0 || !ranges_ || origin.address != address_ || (!strong && wanted_.sha256.empty())) return {};
    std::map<std::string, std::string> fields{{"Range", fmt::format("bytes={}-", file_.size())}};
    if (strong) fields["If-Range"] = origin.etag;
    return fields;
  }

  bool head(const Transport::Head& head) override {
    const std::string encoding = lower(head.field("content-encoding"));
    switch (head.status) {
      case 200:
        if (!encoding.empty() && encoding != "identity") throw InvalidInput("the server sends the file compressed, though nobody asked for that");
        if (starts_with_nocase(head.field("content-type"), "text/html"))
          throw InvalidInput("what the server gives is a web page, not a file; it may want you to sign in");
        return begin(head);
      case 206: return go_on(head);
      case 416: return beyond(head);
      case 301: case 302: case 303: case 307: case 308:
        location_ = head.field("location");
        if (location_->empty()) throw InvalidInput(fmt::format("the server answered {} without saying where to", head.status));
        return false;
      case 401: case 403:
        throw Forbidden(fmt::format("the server answered {}: this model wants an account, or the consent of its publisher; fetch it with a browser and put it into {}", head.status,
                                    wanted_.target.parent_path().string()));
      case 404: case 410: throw NotFound(fmt::format("the server answered {}: there is no such file", head.status));
      case 408: case 425: case 429: throw Unavailable(fmt::format("the server answered {}", head.status));
      default: break;
    }
    if (head.status >= 500) throw Unavailable(fmt::format("the server answered {}", head.status));
    throw InvalidInput(fmt::format("the server answered {}", head.status));
  }

  /// The whole file comes.
  bool begin(const Transport::Head& head) {
    const auto size = parse_byte_count(head.field("content-length"));
    if (file_.size() > 0) view_.say("the server starts over");
    check_size(size, size.value_or(0) - std::min(size.value_or(0), file_.size()));
    file_.restart({address_, head.field("etag"), size});
    end_ = size;
    whole_ = size && *size == 0;
    unsized_ = !size;
    pieces_ = false;
    view_.begin(0, size);
    return true;
  }

  /// The rest comes, if it is the rest of the same file.
  bool go_on(const Transport::Head& head) {
    const auto range = parse_content_range(head.field("content-range"));
    const Origin& origin = file_.origin();
    const std::string etag = head.field("etag");
    const bool same = range && range->first && *range->first == file_.size() && (!range->size || !origin.size || *range->size == *origin.size) &&
                      (etag.empty() || origin.etag.empty() || etag == origin.etag) && ranges_;
    if (!same) return distrust("the server gives another part than was asked for");
    end_ = *range->last + 1;
    const auto size = range->size ? range->size : origin.size;
    check_size(size, *end_ - file_.size());
    unsized_ = !size;
    pieces_ = true;
    view_.begin(file_.size(), size);
    return true;
  }

  /// Nothing lies behind what is there: it was all, or the file has become another.
  bool beyond(const Transport::Head& head) {
    const auto range = parse_content_range(head.field("content-range"));
    if (range && range->size && *range->size == file_.size()) {
      whole_ = pieces_ = true;
      return false;
    }
    return distrust("the file has become another on the server");
  }

  void piece(std::string_view bytes) override {
    if (end_ && file_.size() + bytes.size() > *end_) throw InvalidInput("the server sends more than it said");
    if (file_.size() + bytes.size() > wanted_.max_bytes) refuse_size(file_.size() + bytes.size());
    file_.write(bytes);
    view_.at(file_.size());
    const auto& size = file_.origin().size;
    whole_ = size && file_.size() == *size;
  }

  void check_size(std::optional<std::uint64_t> size, std::uint64_t to_come) const {
    if (!size) return;
    if (*size > wanted_.max_bytes) refuse_size(*size);
    if (wanted_.size && *size != *wanted_.size) throw InvalidInput(fmt::format("the server's file has {} bytes, not {}", *size, *wanted_.size));
    std::error_code fault;
    const auto space = fs::space(wanted_.target.parent_path(), fault);
    if (!fault && space.available < to_come + kSpareBytes)
      throw TooLarge(fmt::format("{} are to come, but {} are free in {}", size_text(to_come), size_text(space.available), wanted_.target.parent_path().string()));
  }

  [[noreturn]] void refuse_size(std::uint64_t size) const {
    throw TooLarge(fmt::format("the file has {} or more, over the {} that --max-size allows", size_text(size), size_text(wanted_.max_bytes)));
  }

  /// What is there may not belong together with what comes: everything anew, without parts.
  bool distrust(const std::string& why) {
    if (++restarts_ > kMaxRestarts) throw InvalidInput(why + ", again and again");
    view_.say(why + "; it starts over");
    ranges_ = whole_ = pieces_ = false;
    file_.restart({address_, "", std::nullopt});
    return false;
  }

  /// All has come. False: it is wrong, and may be right when it comes in one piece.
  bool accept() {
    view_.clear();
    result_ = {file_.size(), file_.sha256()};
    if (!wanted_.sha256.empty() && result_.sha256 != wanted_.sha256) {
      if (pieces_) return distrust("the parts don't make the right file");
      file_.discard();
      throw InvalidInput(fmt::format("the sha256 of what came is {}, not {}; nothing is kept", result_.sha256, wanted_.sha256));
    }
    if (!looks_right(file_)) {
      file_.discard();
      throw InvalidInput("what came is no safetensors file; nothing is kept");
    }
    file_.place(wanted_.replace);
    return true;
  }

  const DownloadRequest& wanted_;
  TransferView& view_;
  const std::string address_;
  ResumableFile file_;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  asio::signal_set signals_;
  std::optional<std::string> location_;  ///< of the last reply, if it was a redirect
  std::optional<std::uint64_t> end_;     ///< where the reply that comes will have brought the file
  bool ranges_ = true;                   ///< parts may be asked for
  bool pieces_ = false;                  ///< the file is made of several replies
  bool unsized_ = false;                 ///< the reply does not say how long the file is: it is whole when the reply ends
  bool whole_ = false;
  bool interrupted_ = false;
  int restarts_ = 0;
  Downloaded result_;
};

}  // namespace

Downloaded download_model(const DownloadRequest& wanted, TransferView& view) { return Download(wanted, view).run(); }

}  // namespace darkroom
