// A pair of connected Unix sockets that block.
//   stream      SOCK_STREAM: the length in front of each message
//   seqpacket   SOCK_SEQPACKET: the kernel keeps the messages apart; they must fit the socket's buffer
#include "stream.h"
#include <sys/socket.h>

#ifndef SOCKET_BUFFER
#define SOCKET_BUFFER (1 << 20)
#endif

static int ends[2], mine;
static stream in;

static void prepare(void)
{
    if (socketpair(AF_UNIX, (peer_variant("stream") ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, ends))
        peer_die(PEER_FAILED, "socketpair: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        int size = SOCKET_BUFFER; // Above net.core.wmem_max with privilege only.
        if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
            setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    int size;
    socklen_t length = sizeof size;
    getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, &length);
    if (peer_variant("seqpacket") && peer.bytes + 512 > (size_t)size)
        peer_die(PEER_UNABLE, "a packet of %zu bytes does not fit the socket's buffer of %d", peer.bytes, size);
    if (peer_variant("seqpacket") && peer.bytes == 0)
        peer_die(PEER_UNABLE, "an empty packet cannot be told from the end");
}

static void open_socket(void)
{
    mine = ends[peer.role];
    close(ends[!peer.role]);
    stream_open(&in, mine);
}

static void send_one(void)
{
    if (peer_variant("stream"))
        return stream_send(mine, peer.out, peer.bytes);
    if (send(mine, peer.out, peer.bytes, 0) != (ssize_t)peer.bytes)
        peer_die(PEER_UNABLE, "send: %s", strerror(errno));
}

static void receive_one(void)
{
    if (peer_variant("stream"))
        return stream_receive(&in, peer.in, peer.bytes);
    if (recv(mine, peer.in, peer.bytes, MSG_TRUNC) != (ssize_t)peer.bytes)
        peer_die(PEER_FAILED, "recv: %s", strerror(errno));
}

static void send_messages(long n)
{
    for (long i = 0; i < n; i++)
        send_one();
}

static void receive_messages(long n)
{
    for (long i = 0; i < n; i++)
        receive_one();
}

static void ping(void)
{
    send_one();
    receive_one();
}

static void pong(void)
{
    receive_one();
    send_one();
}

static const char *version(void) { return "of the kernel"; }

int main(int argc, char **argv)
{
    static const peer_system unix_socket = {
        .name = "unix-socket",
        .variants = {"stream", "seqpacket"},
        .version = version,
        .prepare = prepare,
        .open = open_socket,
        .send = send_messages,
        .receive = receive_messages,
        .ping = ping,
        .pong = pong,
    };
    return peer_main(argc, argv, &unix_socket);
}
