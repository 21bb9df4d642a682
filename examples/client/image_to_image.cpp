// A picture from a picture: image_to_image SERVER WORKFLOW.json photo.png "in winter" ["what it shall not be"]

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <darkroom/client.hpp>

namespace client = darkroom::client;

namespace {

boost::asio::awaitable<void> draw(client::Client& server, darkroom::json::object workflow, std::filesystem::path photo,
                                  client::PictureWish wish) {
  co_await server.connect();
  for (const auto& path : co_await client::prompt_image_to_image(server, std::move(workflow), std::move(photo), std::move(wish)))
    std::printf("%s\n", path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // each line as it happens, also into a pipe
  if (argc < 5) {
    std::fprintf(stderr, "usage: %s SERVER WORKFLOW.json PICTURE WORDS [NEGATIVE WORDS]\n", argv[0]);
    return 2;
  }
  try {
    boost::asio::io_context io;
    client::Client server(io.get_executor(), darkroom::ServerUrl::parse(argv[1]));
    client::PictureWish wish;
    wish.positive = argv[4];
    if (argc > 5) wish.negative = argv[5];
    wish.folder = "output";
    wish.save_previews = true;
    wish.progress = [](const client::JobEvent& event) {
      if (const auto* step = std::get_if<client::NodeStep>(&event))
        std::printf("step %lld of %lld\n", static_cast<long long>(step->value), static_cast<long long>(step->max));
    };
    std::exception_ptr failure;
    boost::asio::co_spawn(io, draw(server, client::load_workflow(argv[2]), argv[3], wish), [&](std::exception_ptr fault) {
      failure = fault;
      io.stop();
    });
    io.run();
    if (failure) std::rethrow_exception(failure);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
