// Two pipes, one each way, of 1 MiB each, which block.
//   write      writev: two copies
//   vmsplice   long payloads are mapped into the pipe instead of being copied: one copy. A sender that does this may not write to its buffer
//              before the message has been read, and nothing tells it when; here it never writes to it again
#include "stream.h"

enum { PIPE_BYTES = 1 << 20, PIPE_PIECE = 64 << 10 };

static int pipes[2][2], to;
static stream in;
static bool maps;

static void prepare(void)
{
    for (int i = 0; i < 2; i++) {
        if (pipe2(pipes[i], O_CLOEXEC))
            peer_die(PEER_FAILED, "pipe: %s", strerror(errno));
        fcntl(pipes[i][1], F_SETPIPE_SZ, PIPE_BYTES); // Refused above the user's share; it works as it is then.
    }
    // A call has the pipe for itself until it is done: with short ones both are at work.
    if (peer_variant("write"))
        stream_piece = PIPE_PIECE;
    maps = peer_variant("vmsplice") && peer.bytes > STREAM_SMALL;
}

static void open_pipes(void)
{
    int sends = peer.role == PEER_SENDER ? 0 : 1;
    to = pipes[sends][1];
    close(pipes[sends][0]);
    close(pipes[!sends][1]);
    stream_open(&in, pipes[!sends][0]);
}

static void send_one(void)
{
    if (!maps)
        return stream_send(to, peer.out, peer.bytes);
    uint64_t length = peer.bytes;
    if (write(to, &length, sizeof length) != sizeof length)
        peer_die(PEER_FAILED, "write: %s", strerror(errno));
    for (size_t sent = 0; sent < peer.bytes;) {
        struct iovec part = {peer.out + sent, peer.bytes - sent};
        ssize_t n = vmsplice(to, &part, 1, 0);
        if (n < 0)
            peer_die(PEER_UNABLE, "vmsplice: %s", strerror(errno));
        sent += (size_t)n;
    }
}

static void receive_one(void) { stream_receive(&in, peer.in, peer.bytes); }

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
    static const peer_system pipes_peer = {
        .name = "pipe",
        .variants = {"write", "vmsplice"},
        .version = version,
        .prepare = prepare,
        .open = open_pipes,
        .send = send_messages,
        .receive = receive_messages,
        .ping = ping,
        .pong = pong,
    };
    return peer_main(argc, argv, &pipes_peer);
}
