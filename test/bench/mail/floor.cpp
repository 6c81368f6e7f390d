// SPDX-License-Identifier: MIT
// The minimal client: sends the same commands and octets as netlab, prepared once, with blocking calls, and checks only
// the first digit of each reply. A test limits how much slower netlab may be.
//
//   floor [--tls [--ca FILE] | --starttls] [--auth] [--bdat] [--lone] [--messages N] [--size OCTETS] [--batch FILE]
//   PORT
//
// --batch: subject and body come from netlab's batch file, lines of {"to": …, "subject": "…", "body": "…"}; other JSON
// is not supported. Each message is one flight: its end and the next envelope are sent together; with --bdat, several
// whole messages are. --lone: envelope and message are separate flights.
#include "stream.hpp"

#include <fstream>

namespace {

struct options {
  bool tls = false;
  bool starttls = false;
  bool auth = false;
  bool bdat = false;
  bool lone = false;
  int messages = 1;
  std::size_t size = 4096;
  const char* ca = nullptr;
  const char* batch = nullptr;
  const char* port = nullptr;
};

options wanted;
stream server;
std::string input;
std::ifstream batch;

constexpr std::string_view envelope = "MAIL FROM:<a@example.org> SIZE=4096\r\nRCPT TO:<b@example.org>\r\n";

// Reads `count` replies, all 2xx or 3xx; a multi-line reply counts once.
void expect(int count) {
  while (count > 0) {
    std::size_t end = 0;
    while (count > 0 && (end = input.find('\n')) != std::string::npos) {
      if (input[0] != '2' && input[0] != '3') give_up(input.c_str());
      if (input[3] != '-') --count;
      input.erase(0, end + 1);
    }
    if (count == 0) return;
    char buffer[16384];
    const std::size_t length = server.read(buffer, sizeof buffer);
    if (length == 0) give_up("read");
    input.append(buffer, length);
  }
}

void send(std::string_view octets) {
  if (!server.write(octets)) give_up("write");
}

void start_tls() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_read_ahead(context, 1);  // one read per record instead of two
  if (wanted.ca != nullptr) {
    if (SSL_CTX_load_verify_locations(context, wanted.ca, nullptr) != 1) give_up("ca");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  server.tls = SSL_new(context);
  static char name[] = "localhost";
  SSL_ctrl(server.tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
  SSL_set1_host(server.tls, "localhost");
  SSL_set_fd(server.tls, server.socket);
  if (SSL_connect(server.tls) != 1) give_up("TLS");
}

// The text of a member of the object, with CRLF for each \n.
std::string member(const std::string& line, std::string_view name) {
  const std::size_t key = line.find("\"" + std::string(name) + "\": \"");
  if (key == std::string::npos) give_up("batch");
  std::string text;
  for (std::size_t at = key + name.size() + 5; line[at] != '"';) {
    if (line[at] != '\\') {
      const std::size_t end = line.find_first_of("\"\\", at);
      text.append(line, at, end - at);
      at = end;
    } else {
      if (line[at + 1] == 'n')
        text += "\r\n";
      else
        text += line[at + 1];
      at += 2;
    }
  }
  return text;
}

std::string message_of(int number) {
  std::string line;
  if (wanted.batch != nullptr && !std::getline(batch, line)) give_up("batch");
  std::string message =
      "Date: Sun, 22 Nov 2026 20:16:07 +0000\r\nFrom: a@example.org\r\nTo: b@example.org\r\nSubject: " +
      (line.empty() ? "benchmark" : member(line, "subject")) + "\r\nMessage-ID: <" + std::to_string(number) +
      "@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
      "Content-Transfer-Encoding: 7bit\r\n\r\n";
  if (!line.empty()) return message + member(line, "body");
  while (message.size() < wanted.size) message.append(62, 'x').append("\r\n");
  return message;
}

// Sends envelope and content in turn, and waits for each reply.
void send_alone() {
  for (int number = 0; number < wanted.messages; ++number) {
    send(std::string(envelope) + "DATA\r\n");
    expect(3);
    send(message_of(number) + ".\r\n");
    expect(1);
  }
}

void send_data() {
  std::string flight = std::string(envelope) + "DATA\r\n";
  for (int number = 0; number < wanted.messages; ++number) {
    send(flight);
    expect(number == 0 ? 3 : 4);
    flight = message_of(number) + ".\r\n";
    if (number + 1 < wanted.messages) flight.append(envelope).append("DATA\r\n");
  }
  send(flight);
  expect(1);
}

void send_chunks() {
  constexpr int window = 8;  // messages in flight, as in netlab
  int under_way = 0;
  std::string flight;
  for (int number = 0; number < wanted.messages; ++number) {
    const std::string message = message_of(number);
    flight.append(envelope).append("BDAT ").append(std::to_string(message.size())).append(" LAST\r\n").append(message);
    if (++under_way < window && number + 1 < wanted.messages) continue;
    send(flight);
    flight.clear();
    expect(3 * under_way);
    under_way = 0;
  }
}

void parse(int argc, char** argv) {
  for (int at = 1; at < argc; ++at) {
    const std::string_view word = argv[at];
    if (word == "--tls") {
      wanted.tls = true;
    } else if (word == "--starttls") {
      wanted.starttls = true;
    } else if (word == "--auth") {
      wanted.auth = true;
    } else if (word == "--bdat") {
      wanted.bdat = true;
    } else if (word == "--lone") {
      wanted.lone = true;
    } else if (word == "--messages" && at + 1 < argc) {
      wanted.messages = std::atoi(argv[++at]);
    } else if (word == "--size" && at + 1 < argc) {
      wanted.size = std::strtoul(argv[++at], nullptr, 10);
    } else if (word == "--batch" && at + 1 < argc) {
      wanted.batch = argv[++at];
      batch.open(wanted.batch);
    } else if (word == "--ca" && at + 1 < argc) {
      wanted.ca = argv[++at];
    } else {
      wanted.port = argv[at];
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  parse(argc, argv);
  if (wanted.port == nullptr) give_up("floor: no port");
  server.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(wanted.port);
  if (::connect(server.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("connect");
  set_no_delay(server.socket);
  if (wanted.tls) start_tls();
  expect(1);
  send("EHLO client.example\r\n");
  expect(1);
  if (wanted.starttls) {
    send("STARTTLS\r\n");
    expect(1);
    start_tls();
    send("EHLO client.example\r\n");
    expect(1);
  }
  if (wanted.auth) {
    send("AUTH PLAIN AHVzZXIAc2VjcmV0\r\n");
    expect(1);
  }
  if (wanted.bdat) {
    send_chunks();
  } else if (wanted.lone) {
    send_alone();
  } else {
    send_data();
  }
  send("QUIT\r\n");
  expect(1);
  server.close();
}
