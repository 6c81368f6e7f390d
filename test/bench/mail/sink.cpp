// SPDX-License-Identifier: MIT
// An SMTP server that accepts everything and stores nothing, fast enough that only the clients are measured.
//
//   sink [--tls | --starttls] [--certificate FILE --key FILE] [--no-pipelining] [--chunking] [--auth] [--port N]
//
// Prints `listening tcp 127.0.0.1:PORT`, then for each closed connection the number of messages, of their octets and of
// flights: how often replies were sent, without TLS's own round trips.
#include "stream.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

namespace {

struct options {
  bool tls = false;
  bool starttls = false;
  bool pipelining = true;
  bool chunking = false;
  bool auth = false;
  const char* port = "0";
  const char* certificate = nullptr;
  const char* key = nullptr;
};

options wanted;
SSL_CTX* context = nullptr;

SSL* accept_tls(int socket) {
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, socket);
  if (SSL_accept(tls) == 1) return tls;
  SSL_free(tls);
  return nullptr;
}

bool begins(std::string_view line, std::string_view verb) {
  return line.size() >= verb.size() && strncasecmp(line.data(), verb.data(), verb.size()) == 0;
}

class session {
 public:
  explicit session(int socket) : peer_{.socket = socket} {}

  void run() {
    if (wanted.tls && (peer_.tls = accept_tls(peer_.socket)) == nullptr) {
      peer_.close();
      return;
    }
    out_ = "220 sink.example ESMTP\r\n";
    while (!ended_ && flush() && fill()) {
      while (!ended_ && step()) {}
    }
    flush();
    peer_.close();
    std::printf("%llu messages, %llu octets, %llu flights\n", messages_, octets_, flights_);
    std::fflush(stdout);
  }

 private:
  bool flush() {
    if (out_.empty()) return true;
    ++flights_;
    const bool sent = peer_.write(out_);
    out_.clear();
    return sent;
  }

  // Makes room at the end of the buffer and reads.
  bool fill() {
    if (begin_ == end_) begin_ = end_ = scanned_ = 0;
    if (end_ == buffer_.size()) {
      if (begin_ == 0) return false;
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      scanned_ = scanned_ < begin_ ? 0 : scanned_ - begin_;
      begin_ = 0;
    }
    const std::size_t length = peer_.read(buffer_.data() + end_, buffer_.size() - end_);
    end_ += length;
    return length != 0;
  }

  // Handles one command or a piece of a message. Returns false if more input is needed.
  bool step() {
    if (skip_ != 0) return skip_chunk();
    if (in_data_) return take_content();
    const std::string_view input(buffer_.data() + begin_, end_ - begin_);
    const std::size_t lf = input.find('\n');
    if (lf == std::string_view::npos) return false;
    begin_ += lf + 1;
    scanned_ = begin_;
    answer(input.substr(0, lf));
    return true;
  }

  bool skip_chunk() {
    const std::size_t length = std::min<std::size_t>(skip_, end_ - begin_);
    begin_ += length;
    octets_ += length;
    skip_ -= length;
    if (skip_ != 0) return false;
    messages_ += is_last_ ? 1 : 0;
    out_ += "250 2.0.0 ok\r\n";
    return true;
  }

  // Reads up to the final dot. A message that starts with it is empty: the CRLF before it belongs to DATA.
  bool take_content() {
    constexpr std::string_view dot = "\r\n.\r\n";
    const std::size_t from = scanned_ > begin_ + dot.size() ? scanned_ - dot.size() : begin_;
    const void* const found = memmem(buffer_.data() + from, end_ - from, dot.data(), dot.size());
    if (found == nullptr) {
      // Drop the scanned octets, except those that may be the start of the final dot.
      const std::size_t keep = std::min(end_ - begin_, dot.size() - 1);
      octets_ += end_ - begin_ - keep;
      begin_ = end_ - keep;
      scanned_ = begin_;
      return false;
    }
    const std::size_t end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data()) + dot.size();
    octets_ += end - begin_ - 3;
    begin_ = scanned_ = end;
    in_data_ = false;
    ++messages_;
    out_ += "250 2.0.0 ok\r\n";
    return true;
  }

  void answer(std::string_view line) {
    if (begins(line, "MAIL ") || begins(line, "RCPT ") || begins(line, "RSET") || begins(line, "NOOP")) {
      out_ += "250 2.1.0 ok\r\n";
    } else if (begins(line, "HELO ")) {
      out_ += "250 sink.example\r\n";
    } else if (begins(line, "DATA")) {
      out_ += "354 go on\r\n";
      in_data_ = true;
    } else if (begins(line, "BDAT ")) {
      skip_ = std::strtoull(line.data() + 5, nullptr, 10);
      is_last_ = line.find("LAST") != std::string_view::npos || line.find("last") != std::string_view::npos;
      if (skip_ == 0) {
        messages_ += is_last_ ? 1 : 0;
        out_ += "250 2.0.0 ok\r\n";
      }
    } else if (begins(line, "EHLO ")) {
      out_ += "250-sink.example\r\n";
      if (wanted.pipelining) out_ += "250-PIPELINING\r\n";
      if (wanted.chunking) out_ += "250-CHUNKING\r\n";
      if (wanted.auth && (peer_.tls != nullptr || !(wanted.tls || wanted.starttls))) out_ += "250-AUTH PLAIN\r\n";
      if (wanted.starttls && peer_.tls == nullptr) out_ += "250-STARTTLS\r\n";
      out_ += "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 0\r\n";
    } else if (begins(line, "AUTH PLAIN")) {
      if (line.size() > 12) {
        out_ += "235 2.7.0 ok\r\n";
      } else {
        out_ += "334 \r\n";
        in_auth_ = true;
      }
    } else if (in_auth_) {
      in_auth_ = false;
      out_ += "235 2.7.0 ok\r\n";
    } else if (begins(line, "STARTTLS") && wanted.starttls && peer_.tls == nullptr) {
      out_ += "220 2.0.0 go ahead\r\n";
      flush();
      begin_ = end_ = scanned_ = 0;
      peer_.tls = accept_tls(peer_.socket);
      ended_ = peer_.tls == nullptr;
    } else if (begins(line, "QUIT")) {
      out_ += "221 2.0.0 bye\r\n";
      ended_ = true;
    } else {
      out_ += "500 5.5.2 what?\r\n";
    }
  }

  stream peer_;
  std::array<char, 256 * 1024> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t scanned_ = 0;
  std::size_t skip_ = 0;  // remaining octets of a chunk
  std::string out_;
  bool in_data_ = false;
  bool in_auth_ = false;
  bool is_last_ = false;
  bool ended_ = false;
  unsigned long long messages_ = 0;
  unsigned long long octets_ = 0;
  unsigned long long flights_ = 0;
};

void parse(int argc, char** argv) {
  for (int at = 1; at < argc; ++at) {
    const std::string_view word = argv[at];
    const char* value = at + 1 < argc ? argv[at + 1] : "";
    if (word == "--tls") {
      wanted.tls = true;
    } else if (word == "--starttls") {
      wanted.starttls = true;
    } else if (word == "--no-pipelining") {
      wanted.pipelining = false;
    } else if (word == "--chunking") {
      wanted.chunking = true;
    } else if (word == "--auth") {
      wanted.auth = true;
    } else if (word == "--port") {
      wanted.port = value;
      ++at;
    } else if (word == "--certificate") {
      wanted.certificate = value;
      ++at;
    } else if (word == "--key") {
      wanted.key = value;
      ++at;
    } else {
      std::fprintf(stderr, "sink: unknown option %s\n", argv[at]);
      std::exit(64);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  parse(argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  if (wanted.tls || wanted.starttls) {
    context = SSL_CTX_new(TLS_server_method());
    if (wanted.certificate == nullptr || wanted.key == nullptr ||
        SSL_CTX_use_certificate_chain_file(context, wanted.certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, wanted.key, SSL_FILETYPE_PEM) != 1)
      give_up("certificate");
    SSL_CTX_set_read_ahead(context, 1);  // one read per record instead of two
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(wanted.port);
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 128) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    give_up("listen");
  std::printf("listening tcp 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (;;) {
    const int socket = ::accept(listener, nullptr, nullptr);
    if (socket < 0) continue;
    set_no_delay(socket);
    std::thread([socket] { std::make_unique<session>(socket)->run(); }).detach();
  }
}
