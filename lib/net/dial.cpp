// SPDX-License-Identifier: MIT
#include "net/dial.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include <fmt/format.h>

#include "base/text.hpp"
#include "net/resolve.hpp"

namespace netlab::net {
namespace {

constexpr auto attempt_delay = std::chrono::milliseconds(250);  // RFC 8305 §5, recommended value

// State shared by all attempts. Their handlers own it, so it outlives the coroutine that started them.
struct race {
  struct attempt {
    tcp::socket socket;
    std::error_code error;
    bool finished = false;
    bool connected = false;
  };
  explicit race(const asio::any_io_executor& executor) : wake(executor) {}
  asio::steady_timer wake;
  std::vector<std::unique_ptr<attempt>> attempts;
};

// Cancels the unfinished attempts, however the coroutine ends.
struct race_end {
  race& all;
  ~race_end() {
    std::error_code ignored;
    for (const auto& each : all.attempts)
      if (!each->finished) each->socket.close(ignored);
  }
};

const char* const ports_cure =
    "net.ipv4.ip_local_port_range limits them; closed connections keep theirs for a minute, in TIME_WAIT";

/// connect() reports a missing local port and a missing local address with the same errors. A UDP socket, which has its
/// own port space, tells them apart.
bool has_local_address(const asio::any_io_executor& executor, const asio::ip::address& to) {
  udp::socket probe(executor);
  std::error_code error;
  probe.connect({to, 9}, error);
  return !error;
}

failure connect_failure(std::error_code error, std::string context, const asio::any_io_executor& executor,
                        const asio::ip::address& to, const std::optional<local_end>& local) {
  if (to_standard(error) != std::errc::address_not_available || !has_local_address(executor, to))
    return {error, std::move(context)};
  if (local && local->port != 0)
    return {error, std::move(context), fmt::format("local port {} still has a connection to this peer", local->port),
            "in TIME_WAIT, for a minute; use another --bind ADDR:PORT, or none"};
  return {error, std::move(context), "all local ports are in use", ports_cure};
}

template <class Socket>
result<void> open_and_bind(Socket& socket, const asio::ip::address& remote, const std::optional<local_end>& local) {
  using protocol = typename Socket::protocol_type;
  std::error_code error;
  socket.open(remote.is_v6() ? protocol::v6() : protocol::v4(), error);
  if (error) return fail(error, "open a socket");
  if (!local) return {};
  asio::ip::address address = local->address;
  if (address.is_unspecified() && address.is_v6() != remote.is_v6()) {
    if (remote.is_v6())
      address = asio::ip::address_v6::any();
    else
      address = asio::ip::address_v4::any();
  }
  // The chosen local port may still have an old connection in TIME_WAIT.
  if (std::is_same_v<Socket, tcp::socket>) socket.set_option(asio::socket_base::reuse_address(true), error);
  socket.bind({address, local->port}, error);
  if (!error) return {};
  const std::string context = "bind " + to_string(address, local->port);
  if (to_standard(error) == std::errc::address_not_available)
    return unexpected(failure{error, context, "not an address of this machine", "`ip address` lists them"});
  if (local->port == 0 && to_standard(error) == std::errc::address_in_use)
    return unexpected(failure{error, context, "all local ports are in use", ports_cure});
  if (to_standard(error) == std::errc::address_in_use && local->port != 0)
    return fail(error, context, fmt::format("netlab sockets --port {} shows which process uses it", local->port));
  return fail(error, context);
}

void start_attempt(const std::shared_ptr<race>& all, const destination& to, const dial_options& options) {
  const asio::ip::address& address = to.addresses[all->attempts.size()];
  auto* each =
      all->attempts
          .emplace_back(std::make_unique<race::attempt>(tcp::socket(all->wake.get_executor()), std::error_code{}))
          .get();
  const auto finish = [all, each](std::error_code error) {
    each->finished = true;
    each->error = error;
    each->connected = !error;
    all->wake.cancel();
  };
  if (auto opened = open_and_bind(each->socket, address, options.local); !opened) {
    // A local end that cannot be bound fails for every address; dial_tcp() has checked it already.
    finish(opened.error().code);
    return;
  }
  each->socket.async_connect({address, to.port}, finish);
}

}  // namespace

result<local_end> parse_local_end(std::string_view text) {
  const auto parsed = parse_host_port(text);
  if (!parsed) return unexpected(parsed.error());
  local_end end{.address = asio::ip::address_v4::any(), .port = parsed->port.value_or(0)};
  if (parsed->host.empty()) return end;
  const auto address = parse_address(parsed->host);
  if (!address)
    return fail(errc::usage, fmt::format("local address '{}' is not an IP address", escape(text, 80)),
                "write 192.0.2.1, 192.0.2.1:4000 or [::1]:4000");
  if (auto whole = check_interface(*address); !whole) return unexpected(whole.error());
  end.address = *address;
  return end;
}

asio::awaitable<result<destination>> find(std::string host, std::uint16_t port, const dial_options& options) {
  auto addresses = co_await resolve(host, options.restrict_to, options.deadline);
  if (!addresses) co_return unexpected(addresses.error());
  if (options.local && !options.local->address.is_unspecified()) {
    const bool wants_v6 = options.local->address.is_v6();
    std::erase_if(*addresses, [&](const auto& each) { return each.is_v6() != wants_v6; });
    if (addresses->empty())
      co_return fail(errc::usage,
                     fmt::format("the local address is IPv{}, but {} has no such address", wants_v6 ? 6 : 4, host));
  }
  co_return destination{std::move(host), port, std::move(*addresses)};
}

asio::awaitable<result<tcp::socket>> dial_tcp(destination to, dial_options options) {
  const auto executor = co_await asio::this_coro::executor;
  const std::string context = "connect " + to_string(to.host, to.port);
  if (options.local) {  // checked once, so that the failure is `bind …` and not `connect …`
    tcp::socket probe(executor);
    if (auto bound = open_and_bind(probe, to.addresses.front(), options.local); !bound)
      co_return unexpected(bound.error());
  }
  auto all = std::make_shared<race>(executor);
  const race_end end{*all};
  start_attempt(all, to, options);
  time_point next = clock::now() + attempt_delay;
  for (;;) {
    std::size_t failed = 0;
    for (const auto& each : all->attempts) {
      if (each->connected) {
        std::error_code ignored;
        each->socket.set_option(tcp::no_delay(true), ignored);
        co_return std::move(each->socket);
      }
      if (each->finished) ++failed;
    }
    const time_point now = clock::now();
    if (now >= options.deadline) co_return fail(make_error_code(errc::timed_out), context);
    const bool more = all->attempts.size() < to.addresses.size();
    const bool all_failed = failed == all->attempts.size();
    if (all_failed && !more)
      co_return unexpected(
          connect_failure(all->attempts.front()->error, context, executor, to.addresses.front(), options.local));
    if (more && (all_failed || now >= next)) {
      start_attempt(all, to, options);
      next = now + attempt_delay;
      continue;
    }
    all->wake.expires_at(more ? std::min(next, options.deadline) : options.deadline);
    const auto [error] = co_await all->wake.async_wait(use_tuple);
    if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return fail(error, context);
  }
}

result<udp::socket> dial_udp(const asio::any_io_executor& executor, const destination& to,
                             const asio::ip::address& address, const dial_options& options) {
  udp::socket socket(executor);
  if (auto opened = open_and_bind(socket, address, options.local); !opened) return unexpected(opened.error());
  std::error_code error;
  socket.connect({address, to.port}, error);
  const std::string context = "connect " + to_string(to.host, to.port);
  // udp(7): no free port to bind to
  if (to_standard(error) == std::errc::resource_unavailable_try_again)
    return unexpected(failure{std::make_error_code(std::errc::address_not_available), context,
                              "all local ports are in use", ports_cure});
  if (error) return fail(error, context);
  return socket;
}

}  // namespace netlab::net
