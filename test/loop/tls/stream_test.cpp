// SPDX-License-Identifier: MIT
#include "tls/stream.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "net/drive.hpp"
#include "simple/echo.hpp"
#include "support/certificates.hpp"
#include "support/files.hpp"
#include "support/serving.hpp"

namespace netlab::tls::stream_test {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using net::tcp;
using test::lab_ca;

namespace {

/// A TLS connection between one server with one certificate and one client, and its result.
struct meeting {
  test::certificate_content certificate{.alternative_names = "DNS:localhost,IP:127.0.0.1,IP:::1"};
  bool self_signed = false;
  bool trusts_it = false;  // the client trusts the certificate itself instead of a CA
  std::string host = "localhost";
  tls::client_options client;
  tls::server_options server;
  std::function<asio::awaitable<void>(tls::stream&)> client_does;
  std::function<asio::awaitable<void>(tls::stream&)> server_does;
  // results
  result<void> client_result;
  result<void> server_result;
  tls::verification verification;

  test::scratch_directory files;

  result<void> run() {
    const test::identity server_identity(certificate, self_signed ? nullptr : &lab_ca());
    if (client.ca_file.empty())
      client.ca_file = files.file("ca.pem", trusts_it ? server_identity.certificate() : lab_ca().certificate());
    server.certificates = server_identity.certificate();
    server.key = server_identity.key();
    auto for_client = tls::context::client(client);
    if (!for_client) return client_result = unexpected(for_client.error());
    auto for_server = tls::context::server(server);
    REQUIRE(for_server);
    asio::io_context loop{1};
    const auto both = [&]() -> asio::awaitable<bool> {
      tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
      tcp::socket ours(loop);
      co_await ours.async_connect(acceptor.local_endpoint(), net::use_tuple);
      auto [error, theirs] = co_await acceptor.async_accept(net::use_tuple);
      CHECK(!error);
      asio::steady_timer served(loop, netlab::never);
      const auto serve = [&]() -> asio::awaitable<void> {
        tls::stream stream(std::move(theirs), *for_server);
        server_result = co_await stream.handshake(clock::now() + std::chrono::seconds(20));
        if (server_result && server_does) co_await server_does(stream);
        if (server_result) stream.close_notify();
        served.expires_at(clock::now());
      };
      asio::co_spawn(loop, serve(), net::rethrow);
      {
        tls::stream stream(std::move(ours), *for_client, {.host = host, .sni = {}});
        client_result = co_await stream.handshake(clock::now() + std::chrono::seconds(20));
        verification = stream.verification();
        if (client_result && client_does) co_await client_does(stream);
        if (client_result) stream.close_notify();
      }
      co_await served.async_wait(net::use_tuple);
      co_return true;
    };
    REQUIRE(test::outcome_of(loop, both()));
    return client_result;
  }
};

asio::awaitable<std::string> read_all(tls::stream& from) {
  std::string all;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto [error, size] = co_await from.async_read_some(asio::buffer(piece), net::use_tuple);
    all.append(piece.data(), size);
    if (error) break;
  }
  co_return all;
}

}  // namespace

TEST_CASE("tls: a certificate that a trusted CA has signed for the host is accepted", "[tls][loop]") {
  meeting one;
  one.host = GENERATE("localhost", "LOCALHOST", "127.0.0.1", "::1", "localhost.");
  REQUIRE(one.run());
  CHECK(one.verification.words == "verified");
}

TEST_CASE("tls: an expired certificate is refused with its date", "[tls][loop]") {
  meeting one;
  one.certificate.starts_in = -7200;
  one.certificate.ends_in = -3600;
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::not_permitted);
  CHECK_THAT(describe(one.client_result.error()), StartsWith("TLS with localhost: the certificate expired on 20"));
}

TEST_CASE("tls: a certificate that is not yet valid is refused, and the clock suspected", "[tls][loop]") {
  meeting one;
  one.certificate.starts_in = 3600;
  one.certificate.ends_in = 7200;
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::not_permitted);
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("not yet valid; it is valid from 20"));
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("clock"));
}

TEST_CASE("tls: a certificate for another host is refused, and its names are told", "[tls][loop]") {
  meeting one;
  one.certificate.alternative_names = "DNS:mail.example.org,IP:192.0.2.1";
  one.host = GENERATE("localhost", "127.0.0.1");
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::not_permitted);
  CHECK_THAT(describe(one.client_result.error()),
             ContainsSubstring("the certificate is for mail.example.org, 192.0.2.1, not for " + one.host));
}

TEST_CASE("tls: a name in the common name alone does not count", "[tls][loop]") {
  meeting one;
  one.certificate.common_name = "localhost";
  one.certificate.alternative_names = GENERATE("", "DNS:other.example.org");
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::not_permitted);
  if (one.certificate.alternative_names.empty())
    CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("only in its common name"));
}

TEST_CASE("tls: an address in a DNS name is no address", "[tls][loop]") {
  meeting one;
  one.certificate.alternative_names = "DNS:127.0.0.1";
  one.host = "127.0.0.1";
  REQUIRE_FALSE(one.run());
}

TEST_CASE("tls: a wildcard stands for one whole label", "[tls][loop]") {
  meeting one;
  one.certificate.alternative_names = "DNS:*.example.org,DNS:m*.example.net";
  SECTION("one label") {
    one.host = "mail.example.org";
    CHECK(one.run());
  }
  SECTION("two labels") {
    one.host = "a.mail.example.org";
    CHECK_FALSE(one.run());
  }
  SECTION("part of a label") {
    one.host = "mail.example.net";
    CHECK_FALSE(one.run());
  }
}

TEST_CASE("tls: a self-signed certificate is refused", "[tls][loop]") {
  meeting one;
  one.self_signed = true;
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::not_permitted);
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("self-signed"));
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("--ca-file"));
}

TEST_CASE("tls: a certificate that is itself trusted is accepted, whoever signed it", "[tls][loop]") {
  meeting one;
  one.trusts_it = true;
  one.self_signed = GENERATE(true, false);
  CHECK(one.run());
}

TEST_CASE("tls: a CA that nobody knows is named", "[tls][loop]") {
  meeting one;
  const test::identity other({.common_name = "Another CA", .is_ca = true});
  one.client.ca_file = one.files.file("other.pem", other.certificate());
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::not_permitted);
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("'Lab CA'"));
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("--ca-file"));
}

TEST_CASE("tls: insecure accepts any certificate, and still says what is wrong", "[tls][loop]") {
  meeting one;
  one.client.insecure = true;
  one.certificate.alternative_names = "DNS:mail.example.org";
  REQUIRE(one.run());
  CHECK_THAT(one.verification.words, ContainsSubstring("not for localhost"));
}

TEST_CASE("tls: the server learns by an alert that its certificate was refused", "[tls][loop]") {
  meeting one;
  one.certificate.alternative_names = "DNS:mail.example.org";
  one.server.greatest_version = TLS1_2_VERSION;  // in 1.3 the server has finished before
  REQUIRE_FALSE(one.run());
  REQUIRE_FALSE(one.server_result);
  CHECK_THAT(describe(one.server_result.error()), ContainsSubstring("alert"));
}

TEST_CASE("tls: a server that speaks nothing newer than TLS 1.1 is refused", "[tls][loop]") {
  meeting one;
  one.server.least_version = TLS1_VERSION;
  one.server.greatest_version = TLS1_1_VERSION;
  REQUIRE_FALSE(one.run());
  CHECK(one.client_result.error().code == errc::peer_protocol);
  CHECK_THAT(describe(one.client_result.error()), ContainsSubstring("1.2"));
}

TEST_CASE("tls: a read that outlives its stream fails with operation_aborted", "[tls][loop]") {
  meeting one;
  tls::stream* client = nullptr;
  std::array<char, 100> piece{};
  std::error_code read_error;
  one.client_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    client = &stream;
    co_await read_all(stream);
  };
  one.server_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    while (client == nullptr) co_await asio::post(stream.get_executor(), asio::use_awaitable);
    stream.async_read_some(asio::buffer(piece), [&](std::error_code error, std::size_t) { read_error = error; });
    // The first octet of a record resumes the read. The socket is also writable, which Asio reports first: the stream
    // is destroyed while the read's handler is queued.
    client->socket().send(asio::buffer(std::string_view("\x17")));
    co_await stream.socket().async_wait(tcp::socket::wait_write, net::use_tuple);
  };
  REQUIRE(one.run());
  CHECK(read_error == asio::error::operation_aborted);
}

TEST_CASE("tls: octets go both ways at once, whatever their number", "[tls][loop]") {
  meeting one;
  one.server.greatest_version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const std::string much(3'000'000, 'x');
  std::string echoed;
  one.server_does = [](tls::stream& stream) -> asio::awaitable<void> {
    simple::echo_session session(std::chrono::seconds(20), clock::now());
    net::driver<tls::stream> drive(stream, session, {.max_unsent = 256 * 1024, .holds_back = true});
    co_await drive.run();
  };
  one.client_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer wrote(executor, netlab::never);
    const auto write = [&]() -> asio::awaitable<void> {
      co_await asio::async_write(stream, asio::buffer(much), net::use_tuple);
      wrote.expires_at(clock::now());
    };
    asio::co_spawn(executor, write(), net::rethrow);
    std::array<char, 50'000> piece{};
    while (echoed.size() < much.size()) {
      const auto [error, size] = co_await stream.async_read_some(asio::buffer(piece), net::use_tuple);
      if (error) break;
      echoed.append(piece.data(), size);
    }
    co_await wrote.async_wait(net::use_tuple);
  };
  REQUIRE(one.run());
  CHECK(echoed == much);
}

TEST_CASE("tls: an end with close_notify is told from one without", "[tls][loop]") {
  const bool in_order = GENERATE(true, false);
  meeting one;
  std::string got;
  bool truncated = false;
  one.server_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    co_await asio::async_write(stream, asio::buffer("bye", 3), net::use_tuple);
    std::error_code error;
    if (!in_order) stream.socket().shutdown(tcp::socket::shutdown_send, error);
    CHECK(!error);
  };
  one.client_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    got = co_await read_all(stream);
    truncated = stream.was_truncated();
  };
  REQUIRE(one.run());
  CHECK(got == "bye");
  CHECK(truncated == !in_order);
}

TEST_CASE("tls: both ends derive the same keying material", "[tls][loop]") {
  meeting one;
  bytes ours;
  bytes theirs;
  one.client_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    ours = stream.exported("EXPORTER-Channel-Binding", 32);
    co_return;
  };
  one.server_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    theirs = stream.exported("EXPORTER-Channel-Binding", 32);
    co_return;
  };
  REQUIRE(one.run());
  CHECK(ours.size() == 32);
  CHECK(ours == theirs);
}

TEST_CASE("tls: both ends agree on a protocol", "[tls][loop]") {
  meeting one;
  one.client.alpn = {"smtp", "h2"};
  one.server.alpn = {"h2"};
  std::string chosen;
  one.client_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(stream.native(), &name, &size);
    chosen.assign(reinterpret_cast<const char*>(name), size);
    co_return;
  };
  REQUIRE(one.run());
  CHECK(chosen == "h2");
}

TEST_CASE("tls: a server that wants a client certificate says so when it gets none", "[tls][loop]") {
  meeting one;
  one.server.client_ca_file = one.files.file("client-ca.pem", lab_ca().certificate());
  failure trouble;
  one.client_does = [&](tls::stream& stream) -> asio::awaitable<void> {
    co_await read_all(stream);
    trouble = stream.trouble();
  };
  SECTION("TLS 1.3: after the client's handshake") {
    REQUIRE(one.run());
    CHECK(trouble.code == errc::not_permitted);
    CHECK_THAT(describe(trouble), ContainsSubstring("requires a client certificate"));
  }
  SECTION("and is content with one") {
    const test::identity own({.common_name = "student"}, &lab_ca());
    one.client.certificate_file = one.files.file("own.pem", own.certificate());
    one.client.key_file = one.files.file("own.key", own.key());
    REQUIRE(one.run());
    CHECK(one.server_result);
    CHECK(!trouble.code);
  }
}

TEST_CASE("tls: secrets are appended to a log that others cannot read", "[tls][loop]") {
  meeting one;
  one.client.keylog_file = one.files.path_of("keys");
  REQUIRE(one.run());
  const std::string log = test::content_of(one.client.keylog_file);
  CHECK_THAT(log.substr(0, log.find('\n')), ContainsSubstring("SECRET "));
  CHECK(test::mode_of(one.client.keylog_file) == 0600);
}

TEST_CASE("tls: files that are no good are named", "[tls][loop]") {
  const test::scratch_directory files;
  const test::identity own({.common_name = "student"});
  const std::string certificate = files.file("own.pem", own.certificate());
  tls::client_options options;
  errc expected = errc::bad_data;
  std::string says;
  SECTION("a CA file that is not there") {
    options.ca_file = files.path_of("missing");
    expected = errc::no_input;
    says = "missing': no such file";
  }
  SECTION("a CA file that is a directory") {
    options.ca_file = files.path_of("");
    expected = errc::no_input;
    says = "is a directory";
  }
  SECTION("a CA file without a certificate") {
    options.ca_file = files.file("ca.pem", "hello\n");
    says = "no certificate";
  }
  SECTION("a key of another certificate") {
    options.certificate_file = certificate;
    options.key_file = files.file("other.key", test::identity({}).key());
    says = "not the key";
  }
  SECTION("an encrypted key, without a question on the terminal") {
    options.certificate_file = certificate;
    options.key_file = files.file("locked.key", own.encrypted_key("secret"));
    says = "encrypted";
  }
  SECTION("no key at all") {
    options.certificate_file = certificate;
    says = "no key";
  }
  SECTION("a key log that cannot be made") {
    options.keylog_file = files.path_of("missing/keys");
    expected = errc::cannot_create;
    says = "key log";
  }
  const auto made = tls::context::client(options);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == expected);
  CHECK_THAT(describe(made.error()), ContainsSubstring(says));
}

namespace {

/// A client whose peer is a plain socket that runs `peer_does`.
result<void> handshake_with(const std::function<void(tcp::socket&)>& peer_does, duration timeout) {
  const auto context = tls::context::client({});
  REQUIRE(context);
  asio::io_context loop{1};
  const auto both = [&]() -> asio::awaitable<result<void>> {
    tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket ours(loop);
    co_await ours.async_connect(acceptor.local_endpoint(), net::use_tuple);
    auto [error, theirs] = co_await acceptor.async_accept(net::use_tuple);
    CHECK(!error);
    peer_does(theirs);
    tls::stream stream(std::move(ours), *context, {.host = "localhost", .sni = {}});
    co_return co_await stream.handshake(clock::now() + timeout);
  };
  return test::outcome_of(loop, both());
}

}  // namespace

TEST_CASE("tls: a peer that speaks no TLS is told as such", "[tls][loop]") {
  const auto done = handshake_with(
      [](tcp::socket& peer) { asio::write(peer, asio::buffer(std::string("220 mail.example.org ESMTP\r\n"))); },
      std::chrono::seconds(20));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::peer_protocol);
  CHECK_THAT(describe(done.error()), ContainsSubstring("does not speak TLS"));
}

TEST_CASE("tls: a peer that hangs in the handshake is left at the deadline", "[tls][loop]") {
  const auto done = handshake_with([](tcp::socket&) {}, std::chrono::milliseconds(20));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::timed_out);
}

TEST_CASE("tls: a peer that closes in the handshake is told as such", "[tls][loop]") {
  const auto done =
      handshake_with([](tcp::socket& peer) { peer.shutdown(tcp::socket::shutdown_send); }, std::chrono::seconds(20));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::closed_by_peer);
}

}  // namespace netlab::tls::stream_test
