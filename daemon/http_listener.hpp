// The connections of a server that nothing is being done for: one thread accepts them and collects each request's head, so that a slow or silent peer
// holds no worker.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/http_exchange.hpp"
#include "daemon/log.hpp"
#include "daemon/net_socket.hpp"
#include "daemon/worker_pool.hpp"

namespace tidemark {

class HttpListener {
 public:
  struct Bounds {
    std::size_t max_connections;
    Duration head_timeout;  // from a connection's opening, or a request's first byte, to the end of its head
    Duration idle_timeout;  // between requests
  };

  HttpListener(Descriptor listening, Bounds bounds, const HttpExchange& exchange, WorkerPool& workers, Log& log);
  ~HttpListener();  // closes what waits and joins; the workers have to be stopped before it is destroyed
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // No more connections; ends the thread. May be called twice.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection;
  using ConnectionPointer = std::unique_ptr<Connection>;

  void run();
  void wait_for_events();
  void accept_all();
  bool receive(Connection& connection);
  void handle(ConnectionPointer connection);
  void dispatch(ConnectionPointer connection);
  void serve(ConnectionPointer connection);
  void give_back(ConnectionPointer connection);
  void take_returned();
  void close_expired();
  Clock::time_point next_deadline() const;

  Descriptor listening_;
  const Bounds bounds_;
  const HttpExchange& exchange_;
  WorkerPool& workers_;
  Log& log_;
  Descriptor wake_ = make_event();
  Descriptor stopping_ = make_event();
  std::list<ConnectionPointer> waiting_;  // of the thread
  Clock::time_point accept_again_{};      // after the system ran out of descriptors
  std::mutex mutex_;
  std::vector<ConnectionPointer> returned_;
  std::size_t busy_ = 0;
  std::jthread thread_;
};

}  // namespace tidemark
