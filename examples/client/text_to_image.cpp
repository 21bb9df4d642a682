// A picture from words: text_to_image SERVER WORKFLOW.json "a red apple" ["what it shall not be"]
// Without an event loop; image_to_image.cpp does its work as a coroutine.

#include <cstdio>
#include <darkroom/client.hpp>

namespace client = darkroom::client;

namespace {

struct Show {
  void operator()(const client::NodeStarted& event) const {
    std::printf("node %zu of %zu: %s\n", event.number, event.total, event.node.c_str());
  }
  void operator()(const client::NodeStep& event) const {
    std::printf("  step %lld of %lld\n", static_cast<long long>(event.value), static_cast<long long>(event.max));
  }
  void operator()(const client::PreviewImage& event) const {
    std::printf("  preview: %zu bytes of %s\n", event.bytes.size(), event.content_type.c_str());
  }
  void operator()(const auto&) const {}
};

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // each line as it happens, also into a pipe
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s SERVER WORKFLOW.json WORDS [NEGATIVE WORDS]\n", argv[0]);
    return 2;
  }
  try {
    client::BlockingClient server{std::string_view(argv[1])};
    server.connect();

    auto workflow = client::load_workflow(argv[2]);
    client::set_positive(workflow, argv[3]);
    if (argc > 4) client::set_negative(workflow, argv[4]);
    client::set_seed(workflow, client::random_seed());

    client::QueueOptions options;
    options.previews = true;
    auto job = server.queue_prompt(workflow, options);
    while (const auto event = job.next()) {
      std::visit(Show{}, *event);
      if (const auto* failure = std::get_if<client::JobFailed>(&*event)) throw darkroom::InternalError(client::describe_failure(*failure));
      if (std::holds_alternative<client::JobInterrupted>(*event)) throw darkroom::Conflict("the job was interrupted");
    }
    for (const auto& path : client::save_images(server.get_images(job.id()), "output")) std::printf("%s\n", path.c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
