// SPDX-License-Identifier: MIT
#include "tls/authority.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "support/files.hpp"
#include "tls/certificate.hpp"

namespace netlab::tls::authority_test {
namespace {

using test::content_of;
using test::mode_of;

/// The verification result of a client that trusts the CA file and connects to this host: X509_V_OK, or the problem.
int verified(const server_identity& shown, const std::string& ca_file, const std::string& host) {
  const certificate_ptr leaf = parse_certificate(shown.certificates);
  REQUIRE(leaf);
  const std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>> store(X509_STORE_new());
  REQUIRE(X509_STORE_load_file(store.get(), ca_file.c_str()) == 1);
  const std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  REQUIRE(X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) == 1);
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) != 1)
    REQUIRE(X509_VERIFY_PARAM_set1_host(param, host.c_str(), 0) == 1);
  return X509_verify_cert(context.get()) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context.get());
}

const std::vector<std::string> names{"localhost", "127.0.0.1", "::1", "mail.example.org"};

TEST_CASE("authority: is made at the first start, its key for the owner alone", "[tls][authority]") {
  const test::scratch_directory place;
  const auto made = authority::open(place.path_of("deep/state"));
  REQUIRE(made);
  REQUIRE(made->server(names));
  CHECK(made->file() == place.path_of("deep/state/ca.pem"));
  CHECK(mode_of(place.path_of("deep/state")) == 0700);
  CHECK(mode_of(place.path_of("deep/state/ca.key")) == 0600);
  CHECK(mode_of(place.path_of("deep/state/server.pem")) == 0600);
}

TEST_CASE("authority: a client that trusts the file believes the server under each of its names", "[tls][authority]") {
  const test::scratch_directory place;
  const auto made = authority::open(place.path_of("state"));
  REQUIRE(made);
  const auto server = made->server(names);
  REQUIRE(server);
  for (const std::string& name : names) CHECK(verified(*server, made->file(), name) == X509_V_OK);
  CHECK(verified(*server, made->file(), "other.example.org") == X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(parse_key(server->key));
}

TEST_CASE("authority: a later start has the same CA and the same certificate", "[tls][authority]") {
  const test::scratch_directory place;
  const auto first = authority::open(place.path_of("state"));
  REQUIRE(first);
  const std::string ca = content_of(first->file());
  const auto server = first->server(names);
  const auto second = authority::open(place.path_of("state"));
  REQUIRE(second);
  CHECK(content_of(second->file()) == ca);
  const auto again = second->server({"::1", "localhost"});
  REQUIRE(again);
  CHECK(again->certificates == server->certificates);
  CHECK(again->key == server->key);
  const auto more = second->server({"localhost", "new.example.org"});
  REQUIRE(more);
  CHECK(verified(*more, first->file(), "new.example.org") == X509_V_OK);
}

TEST_CASE("authority: what would expire is renewed, under the same key", "[tls][authority]") {
  const test::scratch_directory place;
  const auto day = std::chrono::days(1);
  auto old = issue({.common_name = "old CA", .is_ca = true, .starts = -day, .ends = 30 * day}, nullptr);
  REQUIRE(old);
  auto worn = issue({.common_name = "server", .names = names, .starts = -day, .ends = 10 * day}, &*old);
  REQUIRE(worn);
  static_cast<void>(place.file("ca.key", to_pem(old->key.get())));
  static_cast<void>(place.file("ca.pem", to_pem(old->certificate.get())));
  static_cast<void>(place.file("server.pem", to_pem(worn->certificate.get()) + to_pem(worn->key.get())));
  const auto made = authority::open(place.path_of("."));
  REQUIRE(made);
  CHECK(content_of(place.path_of("ca.key")) == to_pem(old->key.get()));
  CHECK(time_left(parse_certificate(content_of(made->file())).get()) > 1000 * day);
  const auto server = made->server(names);
  REQUIRE(server);
  CHECK(time_left(parse_certificate(server->certificates).get()) > 100 * day);
  CHECK(verified(*server, made->file(), "localhost") == X509_V_OK);
}

TEST_CASE("authority: two that start at once agree on one CA", "[tls][authority]") {
  for (int round = 0; round < 10; ++round) {
    const test::scratch_directory place;
    std::vector<std::thread> threads;
    std::vector<std::string> keys(4);
    for (std::string& key : keys)
      threads.emplace_back([&] {
        const auto made = authority::open(place.path_of("state"));
        if (!made) return;
        const auto server = made->server(names);
        if (server) key = server->key;
      });
    for (std::thread& each : threads) each.join();
    for (const std::string& key : keys) CHECK((!key.empty() && key == keys.front()));
    const auto late = authority::open(place.path_of("state"));
    REQUIRE(late);
    CHECK(late->server(names)->key == keys.front());
  }
}

TEST_CASE("authority: files that are no good are named, with the cure", "[tls][authority]") {
  const test::scratch_directory place;
  SECTION("no key") {
    static_cast<void>(place.file("ca.key", "scribble"));
    static_cast<void>(place.file("ca.pem", "scribble"));
  }
  SECTION("a certificate alone") {
    const auto other = issue({.common_name = "CA", .is_ca = true, .ends = std::chrono::days(1000)}, nullptr);
    static_cast<void>(place.file("ca.pem", to_pem(other->certificate.get())));
  }
  const auto made = authority::open(place.path_of("."));
  REQUIRE(!made);
  CHECK(made.error().code == errc::bad_data);
  CHECK(describe(made.error()).find("remove") != std::string::npos);
}

TEST_CASE("authority: a broken server certificate is made anew", "[tls][authority]") {
  const test::scratch_directory place;
  const auto made = authority::open(place.path_of("."));
  REQUIRE(made);
  static_cast<void>(place.file("server.pem", "scribble"));
  const auto server = made->server(names);
  REQUIRE(server);
  CHECK(verified(*server, made->file(), "localhost") == X509_V_OK);
}

TEST_CASE("authority: a faulty certificate is wrong in the way that was asked for", "[tls][authority]") {
  const test::scratch_directory place;
  const auto made = authority::open(place.path_of("."));
  REQUIRE(made);
  const auto found = [&](certificate_fault fault) {
    const auto server = made->faulty(fault, names);
    REQUIRE(server);
    CHECK(parse_key(server->key));
    return verified(*server, made->file(), "localhost");
  };
  CHECK(found(certificate_fault::expired) == X509_V_ERR_CERT_HAS_EXPIRED);
  CHECK(found(certificate_fault::not_yet_valid) == X509_V_ERR_CERT_NOT_YET_VALID);
  CHECK(found(certificate_fault::wrong_host) == X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(found(certificate_fault::self_signed) == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  CHECK(found(certificate_fault::unknown_ca) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST_CASE("authority: this machine's names have no link-local address", "[tls][authority]") {
  const auto own = own_names();
  for (const auto* each : {"localhost", "127.0.0.1", "::1"})
    CHECK(std::find(own.begin(), own.end(), each) != own.end());
  for (const std::string& each : own) CHECK(!each.starts_with("fe80"));
}

}  // namespace
}  // namespace netlab::tls::authority_test
