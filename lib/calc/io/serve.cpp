// SPDX-License-Identifier: MIT
#include "calc/io/serve.hpp"

#include <atomic>

#include <fmt/format.h>

#include "base/text.hpp"
#include "calc/io/shard.hpp"

namespace netlab::calc {

/// Gives each worker's thread to a shard.
class server::sharded_engine final : public serve::engine {
 public:
  sharded_engine(std::vector<shard*> shards, const serve::client_counts& clients, serve::workers& on)
      : shards_(std::move(shards)), clients_(clients), open_(shards_.size()) {
    for (unsigned index = 0; index < on.size(); ++index) {
      event_loop& loop = shards_[index]->loop();
      on.occupy(index, [&loop] { loop.run(); }, [&loop] { loop.stop(); });
    }
  }

  ~sharded_engine() override {
    for (shard* each : shards_) each->close();
  }

  void start(std::vector<serve::bound>& sockets) override {
    for (serve::bound& each : sockets)
      for (std::size_t index = 0; index < each.sockets.size(); ++index)
        shards_[index % shards_.size()]->listen(each.protocol, std::move(each.sockets[index]));
  }

  void stop(std::function<void()> drained) override {
    for (shard* each : shards_)
      each->loop().post([this, each, drained] {
        each->stop([this, drained] {
          if (--open_ == 0) drained();
        });
      });
  }

  void abort() override {
    for (shard* each : shards_) each->loop().post([each] { each->abort(); });
  }

  [[nodiscard]] std::size_t clients() const noexcept override { return clients_.size(); }

 private:
  std::vector<shard*> shards_;
  const serve::client_counts& clients_;
  std::atomic<std::size_t> open_;  // shards that are not drained
};

server::server(server_parameters parameters, serve::visitor_log::line_function write)
    : parameters_(parameters), log_(std::move(write), parameters.detail, parameters.log_name) {}

server::~server() = default;

serve::limits server::limits() const { return {.max_clients = parameters_.max_clients}; }

server_totals server::totals() const {
  const serve::visitor_totals visitors = log_.totals();
  server_totals all{.connections = visitors.connections,
                    .answered = 0,
                    .refused = visitors.refused,
                    .turned_away = visitors.turned_away};
  for (const auto& each : shards_) all.answered += each->answered();
  return all;
}

std::string server::conclude() {
  log_.finish();
  const server_totals all = totals();
  return fmt::format("answered {}, refused {}, {}, {} turned away", count_of(all.answered, "request"), all.refused,
                     count_of(all.connections, "connection"), all.turned_away);
}

std::unique_ptr<serve::engine> server::run_on(serve::workers& on, const serve::limits& limits) {
  auto& clients = clients_.emplace_back(limits.max_clients, limits.max_clients_per_address);
  std::vector<shard*> shards;
  for (unsigned index = 0; index < on.size(); ++index) {
    shards_.push_back(std::make_unique<shard>(parameters_, log_, clients));
    shards.push_back(shards_.back().get());
  }
  return std::make_unique<sharded_engine>(std::move(shards), clients, on);
}

}  // namespace netlab::calc
