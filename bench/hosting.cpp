// The clients of bench/hosting.py, in C++ because a thousand of them in Python would measure Python.
//
//   hosting HOST PORT CLIENTS WARM_UP SECONDS [RATE]
//
// Each client has a WebSocket; a job goes from POST /prompt to the reply of GET /history/{id}, and every message that its client hears is
// checked (load/client.hpp). Without RATE the loop is closed. Prints "measuring" and "measured" at the ends of SECONDS, then a line of
// JSON. Exit status 1 when a message was lost, out of order or untrue, or a job not answered.
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <iostream>

#include "load/load.hpp"

namespace {

namespace asio = boost::asio;

void raise_file_limit() {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int put_load(const asio::ip::tcp::endpoint& server, const darkroom::load::Plan& plan) {
  asio::io_context io(1);
  darkroom::load::Load load(io, server, plan);
  asio::co_spawn(io, load.run(), [&io](std::exception_ptr fault) {
    io.stop();
    if (fault) std::rethrow_exception(fault);
  });
  io.run();
  std::cout << darkroom::dump(load.report()) << std::endl;
  return load.is_clean() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::cerr << "usage: hosting HOST PORT CLIENTS WARM_UP SECONDS [RATE]\n";
    return 2;
  }
  raise_file_limit();
  try {
    const asio::ip::tcp::endpoint server(asio::ip::make_address(argv[1]), static_cast<std::uint16_t>(std::stoi(argv[2])));
    return put_load(server, {.clients = std::stoul(argv[3]),
                             .warm_up = std::stod(argv[4]),
                             .seconds = std::stod(argv[5]),
                             .rate = argc == 7 ? std::stod(argv[6]) : 0});
  } catch (const std::exception& fault) {
    std::cerr << "hosting: " << fault.what() << '\n';
    return 2;
  }
}
