// UCX, by the UCP interface: tagged messages between two workers of one thread each. Everything else is UCX's default.
//   cma      long messages by process_vm_readv or process_vm_writev, the others through shared memory
//   posix    shared memory only
#include "peer.h"
#include <ucp/api/ucp.h>

enum { TAG = 1, WINDOW = 16, WINDOW_OF_LONG = 4, LONG = 64 << 10 }; // Sends, or receives, that are under way at a time: the best of 4, 16 and 64.

static ucp_context_h context;
static ucp_worker_h worker;
static ucp_ep_h endpoint;
static long under_way, window = WINDOW;
static ucp_request_param_t send_how, receive_how;

static void check(ucs_status_t status, const char *what)
{
    if (status != UCS_OK)
        peer_die(PEER_UNABLE, "%s: %s", what, ucs_status_string(status));
}

static void sent(void *request, ucs_status_t status, void *unused)
{
    (void)unused;
    check(status, "send");
    ucp_request_free(request);
    under_way--;
}

static void received(void *request, ucs_status_t status, const ucp_tag_recv_info_t *info, void *unused)
{
    (void)unused;
    check(status, "receive");
    if (info->length != peer.bytes)
        peer_die(PEER_FAILED, "a message of another length");
    ucp_request_free(request);
    under_way--;
}

static void open_ucx(void)
{
    if (peer.bytes >= LONG)
        window = WINDOW_OF_LONG;
    setenv("UCX_TLS", peer_variant("cma") ? "cma,posix,self" : "posix,self", 1);
    setenv("UCX_WARN_UNUSED_ENV_VARS", "n", 1);
    ucp_params_t params = {.field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_ESTIMATED_NUM_EPS, .features = UCP_FEATURE_TAG, .estimated_num_eps = 1};
    check(ucp_init(&params, NULL, &context), "ucp_init");
    ucp_worker_params_t of_worker = {.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE, .thread_mode = UCS_THREAD_MODE_SINGLE};
    check(ucp_worker_create(context, &of_worker, &worker), "ucp_worker_create");
    // Each puts its address where the other finds it.
    ucp_address_t *address;
    size_t length;
    check(ucp_worker_get_address(worker, &address, &length), "ucp_worker_get_address");
    if (length > PEER_SCRATCH / 2)
        peer_die(PEER_UNABLE, "an address of %zu bytes", length);
    memcpy(peer.shared->scratch + peer.role * PEER_SCRATCH / 2, address, length);
    ucp_worker_release_address(worker, address);
    peer_meet(false);
    ucp_ep_params_t of_endpoint = {
        .field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS,
        .address = (ucp_address_t *)(peer.shared->scratch + !peer.role * PEER_SCRATCH / 2),
    };
    check(ucp_ep_create(worker, &of_endpoint, &endpoint), "ucp_ep_create");
    send_how = (ucp_request_param_t){.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK, .cb.send = sent};
    receive_how = (ucp_request_param_t){.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK, .cb.recv = received};
}

// NULL: it is done already, and its callback is not called.
static inline void count(ucs_status_ptr_t request)
{
    if (UCS_PTR_IS_ERR(request))
        check(UCS_PTR_STATUS(request), "ucx");
    under_way += request != NULL;
}

static inline void progress_until(long at_most)
{
    while (under_way > at_most)
        ucp_worker_progress(worker);
}

static void send_ucx(long n)
{
    for (long i = 0; i < n; i++) {
        progress_until(window - 1);
        count(ucp_tag_send_nbx(endpoint, peer.out, peer.bytes, TAG, &send_how));
    }
    progress_until(0);
}

static void receive_ucx(long n)
{
    for (long i = 0; i < n; i++) {
        progress_until(window - 1);
        count(ucp_tag_recv_nbx(worker, peer.in, peer.bytes, TAG, UINT64_MAX, &receive_how));
    }
    progress_until(0);
}

static void ping(void)
{
    count(ucp_tag_send_nbx(endpoint, peer.out, peer.bytes, TAG, &send_how));
    count(ucp_tag_recv_nbx(worker, peer.in, peer.bytes, TAG, UINT64_MAX, &receive_how));
    progress_until(0);
}

static void pong(void)
{
    count(ucp_tag_recv_nbx(worker, peer.in, peer.bytes, TAG, UINT64_MAX, &receive_how));
    progress_until(0);
    count(ucp_tag_send_nbx(endpoint, peer.out, peer.bytes, TAG, &send_how));
    progress_until(0);
}

// What this one has still to tell the other leaves before it stops to look.
static void settle(void)
{
    ucp_request_param_t how = {.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK, .cb.send = sent};
    count(ucp_worker_flush_nbx(worker, &how));
    progress_until(0);
}

// Both have met after the last message: nothing is under way, and the endpoint goes with the worker.
static void close_ucx(void)
{
    ucp_worker_destroy(worker);
    ucp_cleanup(context);
}

static const char *version(void) { return ucp_get_version_string(); }

int main(int argc, char **argv)
{
    static const peer_system ucx = {
        .name = "ucx",
        .variants = {"cma", "posix"},
        .version = version,
        .open = open_ucx,
        .send = send_ucx,
        .receive = receive_ucx,
        .ping = ping,
        .pong = pong,
        .settle = settle,
        .close = close_ucx,
    };
    return peer_main(argc, argv, &ucx);
}
