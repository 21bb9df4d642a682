#pragma once
// Everything that `darkroom serve` can be told: by a flag, by the same key in --config FILE, or by DARKROOM_KEY.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/user_limits.hpp"

namespace darkroom {

/// --auth: no JSON web tokens, only those that `darkroom token` makes.
inline constexpr const char* kApiTokensAlone = "api-tokens";

struct Options {
  // -- ComfyUI's own
  std::vector<std::string> listen = {"127.0.0.1"};
  std::uint16_t port = 8188;
  std::filesystem::path base_directory;  ///< default ~/.local/share/darkroom
  std::filesystem::path input_directory, output_directory, temp_directory, user_directory;
  std::vector<std::filesystem::path> extra_model_paths;
  std::filesystem::path front_end_root;  ///< default: the editor package of the bootstrap's environment
  bool cpu = false;
  std::string cache = "classic";         ///< classic, lru, ram, none
  std::int64_t cache_size = 0;           ///< lru: results that are kept; ram: bytes of memory that stay free
  std::string preview_method = "none";   ///< none, auto, latent2rgb, taesd
  /// Limit: longer side of the pictures of a running sampler, pixels. Beyond: they are made smaller. Set by: --preview-size. Edge:
  /// WorkerLink.ConfiguresWhatNodesAsk.
  int preview_size = 512;
  bool enable_cors = false;
  std::string cors_origin = "*";
  /// Limit: a request body, MiB. Beyond: 413 and nothing stored. Set by: --max-upload-size. Edge: ServerLimits.Bodies,
  /// test_bad_input.py::test_an_oversized_body_is_refused_with_413.
  double max_upload_mb = 100;
  bool max_upload_given = false;
  bool disable_metadata = false;
  bool dev = false;                          ///< load packs anew when their code changes
  bool disable_packs = false;                ///< but those of allowed_packs
  std::vector<std::string> allowed_packs, denied_packs;
  bool multi_user = false;
  std::string verbose = "INFO";
  std::filesystem::path tls_keyfile, tls_certfile;
  bool compress_response_body = false;
  bool disable_api_nodes = false;        ///< no node here talks to a paid service; what remains of the flag is its CSP header

  // -- ours
  int workers = 1;
  std::uint64_t ram_bytes = 0;           ///< a worker's limit; 0: 85 % of the machine or cgroup
  std::string precision = "auto";        ///< auto, fp32, bf16, fp16
  /// Limit: waiting jobs. Beyond: POST /prompt answers 429. Set by: --max-queue. Edge: BrokerConformance.TheQueueHasALimit,
  /// JobRoutes.AFullQueueSaysSo.
  int max_queue = 10000;
  /// Limit: finished jobs that are remembered. Beyond: the oldest go. Set by: --max-history. Edge: BrokerConformance.TheHistoryHasALimit.
  int max_history = 10000;
  double keep_alive_s = 75;              ///< HttpTimes::keep_alive_idle
  double cancel_grace_s = 10;            ///< JobDesk::Times::grace
  double job_timeout_s = 0;              ///< JobDesk::Times::longest; 0: none
  /// Limit: age of a restoration that has ended, hours. Beyond: it is deleted with its pictures. Set by: --restore-keep. Edge:
  /// test_restore_service.py::test_old_restorations_are_forgotten.
  double restore_keep_hours = 24;
  /// Limit: time since the last change of a visitor's files, days. Beyond: they are deleted. Set by: --visitor-keep. Edge:
  /// RoomSweep.ARoomGoesTheMomentItIsTooOld.
  double visitor_keep_days = 30;
  double progress_ping_s = 20;           ///< a socket of /ws/progress is pinged so often
  /// Limit: silence of a socket of /ws/progress, s. Beyond: it is dropped. Set by: --progress-silence. Edge:
  /// test_restore_service.py::test_a_silent_viewer_is_dropped.
  double progress_silence_s = 60;
  std::string auth;                      ///< a file (identity/authority.hpp), or kApiTokensAlone; "": no auth
  std::filesystem::path warm_up;         ///< a workflow that runs once before the server is ready; empty: none
  std::filesystem::path images_workflow, images_edit_workflow;  ///< behind /v1/images; empty: the built-in ones
  /// Limit: time that a request of /v1/images waits for its pictures, s. Beyond: 504, and its job is cancelled. Set by: --images-time.
  /// Edge: test_images_api.py::test_a_request_has_a_time_limit.
  double images_time_s = 540;
  bool demonstration_models = true;      ///< the small ones that ship are listed
  bool insecure = false;                 ///< may listen on public addresses without auth
  double link_hours = 24;                ///< how long a signed link to a result is good
  UserLimits user_limits;                ///< of each user but `local` and those that --multi-user names
  std::filesystem::path worker_program;  ///< default: darkroom-worker beside this program

  std::vector<std::string> argv;         ///< as started, for system_stats

  // -- requests to other servers
  bool outbound = true;                     ///< requests to addresses that users name: inputs by URL, webhooks
  std::vector<std::string> outbound_allow;  ///< hosts and networks that are open to them beside the public Internet
  std::string webhook_secret;               ///< "whsec_…"; "": that of the file webhook.secret in the data folder

  std::size_t max_body_bytes() const { return static_cast<std::size_t>(max_upload_mb * 1024 * 1024); }
};

/// "8G", "900M", "1.5 GiB" (all powers of 1024) or a number of bytes. Throws InvalidInput.
std::uint64_t parse_size(std::string_view text);

/// $XDG_DATA_HOME/darkroom, or ~/.local/share/darkroom.
std::filesystem::path default_base_directory();

/// Fills in what was not given and makes paths absolute.
void complete(Options& options);

}  // namespace darkroom
