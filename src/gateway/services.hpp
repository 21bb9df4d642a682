#pragma once
// What routes are given: references to the parts of the running gateway. Made in gateway.cpp, outlives every request.

#include <memory>
#include <string>

#include "base/json.hpp"
#include "gateway/metrics.hpp"
#include "gateway/readiness.hpp"

namespace darkroom {

class Allowances;
class AssetStore;
class BlockingPool;
class Folders;
class Gatekeeper;
class Hub;
class InputFetcher;
class JobDesk;
class JobWatch;
class LogBuffer;
class Outbound;
class PictureHelper;
class RestorationDesk;
class Router;
class SchemaStore;
class UserStore;
class WebhookSender;
class WorkerPool;
struct Identity;
struct Options;
namespace v2 {
class EventStreams;
}

struct Services {
  const Options& options;
  Folders& folders;
  BlockingPool& pool;     ///< where blocking work runs: gateway/pool.hpp
  Hub& hub;
  SchemaStore& schemas;   ///< node classes and their /object_info: gateway/schema_store.hpp
  JobDesk& jobs;          ///< queue, history, running jobs: gateway/job_desk.hpp
  WorkerPool& workers;    ///< local worker processes: gateway/worker_pool.hpp
  LogBuffer& logs;        ///< the last lines of the log: gateway/log_buffer.hpp
  std::shared_ptr<PictureHelper> pictures = nullptr;  ///< made by whoever needs it first: picture_helper_of()
  std::shared_ptr<UserStore> users = nullptr;         ///< users and their settings: user_store_of()
  RestorationDesk* restorations = nullptr;            ///< the photo service; set once it is made
  std::shared_ptr<Allowances> allowances = nullptr;   ///< what users may send: allowances_of()
  std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>();        ///< what monitoring reads: gateway/metrics.hpp
  std::shared_ptr<Readiness> readiness = std::make_shared<Readiness>();  ///< how far the server is: gateway/readiness.hpp
  JobWatch* watch = nullptr;                          ///< how single jobs go on: gateway/job_watch.hpp; set once it is made
  Gatekeeper* gate = nullptr;                         ///< who is who: gateway/gatekeeper.hpp; set once it is made
  AssetStore* assets = nullptr;                       ///< files that API v2 knows: broker/asset_store.hpp; set once it is made
  std::shared_ptr<v2::EventStreams> streams = nullptr;  ///< of API v2; made with its routes
  InputFetcher* inputs = nullptr;                       ///< files by their addresses: gateway/input_fetcher.hpp; set once it is made
  Outbound* outbound = nullptr;                         ///< requests to other servers: outbound/outbound.hpp; set once it is made
  WebhookSender* webhooks = nullptr;                    ///< gateway/webhook_sender.hpp; set once it is made
};

/// The one runner of darkroom-picture (gateway/picture_helper.hpp) that all routes share.
PictureHelper& picture_helper_of(Services& services);
/// The users and their settings (gateway/user_store.hpp).
UserStore& user_store_of(Services& services);

/// The one count of what users send (gateway/allowances.hpp).
Allowances& allowances_of(Services& services);
/// Who somebody is, as the pages show it: {"name", "admin", "can_sign_out"}.
json::object user_view(const Gatekeeper& gate, const Identity& who);

// One function a resource; each adds its routes.
void add_restore_routes(Router& router, Services& services);   // routes/restore.cpp: /restore, /results
void add_prompt_routes(Router& router, Services& services);    // routes/prompt.cpp: /prompt
void add_queue_routes(Router& router, Services& services);     // routes/queue.cpp: /queue, /interrupt, /free
void add_history_routes(Router& router, Services& services);   // routes/history.cpp
void add_jobs_routes(Router& router, Services& services);      // routes/jobs.cpp: /api/jobs
void add_jobs_v2_routes(Router& router, Services& services);   // routes/jobs_v2.cpp: /api/v2/jobs
void add_assets_v2_routes(Router& router, Services& services);    // routes/assets_v2.cpp: /api/v2/assets
void add_object_info_routes(Router& router, Services& services);  // routes/object_info.cpp, /node_replacements
void add_system_routes(Router& router, Services& services);    // routes/system.cpp: /system_stats, /features
void add_health_routes(Router& router, Services& services);    // routes/health.cpp: /health, /metrics
void add_view_routes(Router& router, Services& services);      // routes/view.cpp: /view, /view_metadata
void add_upload_routes(Router& router, Services& services);    // routes/upload.cpp
void add_models_routes(Router& router, Services& services);    // routes/models.cpp: /models, /embeddings, /experiment/models
void add_settings_routes(Router& router, Services& services);  // routes/settings.cpp
void add_auth_routes(Router& router, Services& services);      // routes/auth.cpp: /auth, /login
void add_users_routes(Router& router, Services& services);     // routes/users.cpp
void add_userdata_routes(Router& router, Services& services);  // routes/userdata.cpp
void add_editor_routes(Router& router, Services& services);    // routes/editor.cpp: static files, /extensions, /i18n, templates
void add_images_routes(Router& router, Services& services);    // routes/images.cpp: /v1/images, /v1/models
void add_packs_routes(Router& router, Services& services);     // routes/packs.cpp: /darkroom/packs
void add_restore_page_routes(Router& router, Services& services);  // routes/restore_page.cpp: /restore, /restore/assets
void add_internal_routes(Router& router, Services& services);  // routes/internal.cpp: /internal/...

/// All of them, in the order in which they are asked.
void add_all_routes(Router& router, Services& services);  // routes/all.cpp

}  // namespace darkroom
