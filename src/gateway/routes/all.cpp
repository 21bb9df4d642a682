// Every route of the server, in the order in which they are asked.

#include "gateway/http.hpp"
#include "gateway/openapi.hpp"
#include "gateway/services.hpp"

namespace darkroom {

void add_all_routes(Router& router, Services& services) {
  add_restore_routes(router, services);
  add_prompt_routes(router, services);
  add_queue_routes(router, services);
  add_history_routes(router, services);
  add_jobs_routes(router, services);
  add_jobs_v2_routes(router, services);
  add_assets_v2_routes(router, services);
  add_object_info_routes(router, services);
  add_system_routes(router, services);
  add_health_routes(router, services);
  add_view_routes(router, services);
  add_upload_routes(router, services);
  add_models_routes(router, services);
  add_settings_routes(router, services);
  add_auth_routes(router, services);
  add_users_routes(router, services);
  add_userdata_routes(router, services);
  add_images_routes(router, services);
  add_openapi_routes(router);
  add_packs_routes(router, services);
  add_internal_routes(router, services);
  add_restore_page_routes(router, services);
  add_editor_routes(router, services);
  RouteOptions websocket;
  websocket.websocket = true;
  for (const char* path : {"/ws", "/ws/progress"})
    router.add(
        "GET", path, [](Request&) -> asio::awaitable<Response> { co_return Response::text(400, "400: this path is for WebSockets"); },
        websocket);
}

}  // namespace darkroom
