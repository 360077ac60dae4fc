#include "tests/bench/nodes.h"

#include "crypto/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_SECONDS 20

/* --- files --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void folder_clear(const char *path) {
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void path_of(const struct bench_node *node, const char *file, char *out, size_t cap) {
    int n = snprintf(out, cap, "%s/%s", node->folder, file);
    bench_must(n > 0 && (size_t)n < cap, "the path of %s is too long", file);
}

void node_file(const struct bench_node *node, const char *file, const char *text) {
    char path[BENCH_PATH_MAX + 128];
    path_of(node, file, path, sizeof path);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bench_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "cannot write %s",
               path);
    close(fd);
}

void node_key(const struct bench_node *node, const char *file, const struct signer *signer) {
    char text[SIGNER_SIZE_MAX + 2];
    struct writer w;
    writer_init(&w, text, sizeof text - 1);
    signer_format(&w, signer);
    writer_text(&w, "\n");
    bench_must(writer_status(&w) == STATUS_OK, "a key does not fit");
    text[w.len] = '\0';
    node_file(node, file, text);
}

const char *bench_vkey(const struct vkey *key) {
    static char texts[8][VKEY_SIZE_MAX + 1];
    static size_t next;
    char *text = texts[next++ % 8];
    struct writer w;
    writer_init(&w, text, VKEY_SIZE_MAX);
    vkey_format(&w, key);
    bench_must(writer_status(&w) == STATUS_OK, "a key does not fit");
    text[w.len] = '\0';
    return text;
}

/* --- connections --- */

static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static uint16_t free_port(void) {
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                   getsockname(fd, (struct sockaddr *)&address, &len) == 0,
               "no free port");
    close(fd);
    return ntohs(address.sin_port);
}

static bool write_all(int fd, const void *data, size_t len) {
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* One request whose head says "Connection: close": the answer ends with the connection. */
static unsigned exchange(const struct bench_node *node, const char *head, struct bytes body,
                         char *out, size_t cap) {
    struct sockaddr_in address = loopback(node->port);
    char answer[65536];
    size_t len = 0;
    ssize_t n = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        !write_all(fd, head, strlen(head)) || !write_all(fd, body.data, body.len)) {
        close(fd);
        return 0;
    }
    while (len < sizeof answer - 1 && (n = read(fd, answer + len, sizeof answer - 1 - len)) > 0) {
        len += (size_t)n;
    }
    close(fd);
    answer[len] = '\0';
    const char *end = strstr(answer, "\r\n\r\n");
    if (len < 12 || end == NULL) {
        return 0;
    }
    if (out != NULL) {
        snprintf(out, cap, "%s", end + 4);
    }
    return (unsigned)strtoul(answer + 9, NULL, 10);
}

unsigned node_get(const struct bench_node *node, const char *path, char *out, size_t cap) {
    char head[1024];
    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    return exchange(node, head, bytes_of(NULL, 0), out, cap);
}

unsigned node_post(const struct bench_node *node, const char *path, const char *type,
                   struct bytes body, char *out, size_t cap) {
    char head[1024];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
             "%s\r\nContent-Length: %zu\r\n\r\n",
             path, type, body.len);
    return exchange(node, head, body, out, cap);
}

/* --- processes --- */

void node_make(const struct bench *bench, struct bench_node *node, const char *name) {
    memset(node, 0, sizeof *node);
    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(node->folder, sizeof node->folder, "%s/%s", bench->folder, name);
    node->port = free_port();
    snprintf(node->url, sizeof node->url, "http://127.0.0.1:%u", node->port);
    folder_clear(node->folder);
    bench_must(mkdir(node->folder, 0700) == 0, "cannot make %s", node->folder);
}

static void run_daemon(const struct bench *bench, const struct bench_node *node) {
    char program[BENCH_PATH_MAX + 16], config[BENCH_PATH_MAX + 128], log[BENCH_PATH_MAX + 128];
    snprintf(program, sizeof program, "%s/dutylogd", bench->build);
    path_of(node, "node.ini", config, sizeof config);
    path_of(node, "log.txt", log, sizeof log);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left running if the benchmark is stopped */
    int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    execl(program, program, "-c", config, (char *)NULL);
    _exit(127);
}

static void start(const struct bench *bench, struct bench_node *node, const char *options,
                  const char *sections) {
    char *text = NULL;
    int n = asprintf(&text,
                     "[node]\nname = %s\nlisten = 127.0.0.1:%u\ndata = data\nlog_level = "
                     "warn\n%s\n%s",
                     node->name, node->port, options, sections);
    bench_must(n > 0, "out of memory");
    node_file(node, "node.ini", text);
    free(text);
    fflush(stdout);
    node->process = fork();
    bench_must(node->process >= 0, "no process to be had");
    if (node->process == 0) {
        run_daemon(bench, node);
    }
}

static void check_runs(const struct bench_node *node, uint64_t start) {
    int status = 0;
    bench_must(waitpid(node->process, &status, WNOHANG) == 0, "%s does not start: see %s/log.txt",
               node->name, node->folder);
    bench_must(bench_seconds_since(start) < START_SECONDS, "%s does not answer", node->name);
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

void node_start(const struct bench *bench, struct bench_node *node, const char *sections) {
    uint64_t began = bench_now_ns();
    start(bench, node, "", sections);
    while (node_get(node, "/healthz", NULL, 0) == 0) {
        check_runs(node, began);
    }
}

/* It is not asked anything, since that takes TLS: it listens. */
void node_start_tls(const struct bench *bench, struct bench_node *node, const char *sections) {
    uint64_t began = bench_now_ns();
    struct sockaddr_in address = loopback(node->port);
    start(bench, node, "tls_certificate = node.pem\ntls_key = node.key\n", sections);
    for (bool listens = false; !listens;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        listens = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (!listens) {
            check_runs(node, began);
        }
    }
}

void node_stop(struct bench_node *node) {
    int status = 0;
    if (node->process == 0) {
        return;
    }
    kill(node->process, SIGTERM);
    bench_must(waitpid(node->process, &status, 0) == node->process && WIFEXITED(status) &&
                   WEXITSTATUS(status) == 0,
               "%s did not stop well: see %s/log.txt", node->name, node->folder);
    node->process = 0;
}

static double program_run(const struct bench *bench, const char *name,
                          const char *const *arguments) {
    char program[BENCH_PATH_MAX + 16];
    char log[BENCH_PATH_MAX + 32];
    char *argv[16] = {program};
    size_t count = 1;
    int status = 0;
    snprintf(program, sizeof program, "%s/%s", bench->build, name);
    snprintf(log, sizeof log, "%s/tool.txt", bench->folder);
    for (; arguments[count - 1] != NULL; count++) {
        bench_must(count + 1 < sizeof argv / sizeof argv[0], "too many arguments");
        argv[count] = (char *)(uintptr_t)arguments[count - 1]; /* execv only reads them */
    }
    fflush(stdout);
    uint64_t start = bench_now_ns();
    pid_t process = fork();
    bench_must(process >= 0, "no process to be had");
    if (process == 0) {
        int fd = open(log, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (fd >= 0) {
            dup2(fd, STDOUT_FILENO);
            dup2(fd, STDERR_FILENO);
        }
        execv(program, argv);
        _exit(127);
    }
    bench_must(waitpid(process, &status, 0) == process && WIFEXITED(status) &&
                   WEXITSTATUS(status) == 0,
               "%s %s failed: see %s", name, arguments[0], log);
    return bench_seconds_since(start);
}

uint64_t node_log_number(const struct bench_node *node, const char *name) {
    char text[4096];
    char quoted[32];
    bench_must(node_get(node, "/logs", text, sizeof text) == 200, "%s: no /logs", node->name);
    snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = strstr(text, quoted);
    bench_must(at != NULL, "%s: no %s in /logs", node->name, name);
    return strtoull(at + strlen(quoted), NULL, 10);
}

double tool_run(const struct bench *bench, const char *const *arguments) {
    return program_run(bench, "dutylog", arguments);
}

double restore_run(const struct bench *bench, const char *const *arguments) {
    return program_run(bench, "dutylogd", arguments);
}

void node_remove(struct bench_node *node) {
    node_stop(node);
    folder_clear(node->folder);
}

/* --- /proc --- */

static bool read_proc(const struct bench_node *node, const char *file, char *out, size_t cap) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)node->process, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, cap - 1) : -1;
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

double node_resident(const struct bench_node *node) {
    static const char *const parts[] = {"RssAnon:", "RssShmem:"};
    char text[8192];
    double kib = 0;
    bench_must(read_proc(node, "status", text, sizeof text), "%s: no /proc", node->name);
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(text, parts[i]);
        bench_must(at != NULL, "/proc has no %s", parts[i]);
        kib += strtod(at + strlen(parts[i]), NULL);
    }
    return kib / 1024;
}

double node_cpu(const struct bench_node *node) {
    char text[2048];
    bench_must(read_proc(node, "stat", text, sizeof text), "%s: no /proc", node->name);
    /* Fields 14 and 15, counted from after the name, which is field 2 and in parentheses. */
    char *at = strrchr(text, ')');
    bench_must(at != NULL, "/proc/<pid>/stat is not as expected");
    double ticks = 0;
    for (int field = 3; field <= 15; field++) {
        at = strchr(at + 1, ' ');
        bench_must(at != NULL, "/proc/<pid>/stat is not as expected");
        ticks += field >= 14 ? strtod(at, NULL) : 0;
    }
    return ticks / (double)sysconf(_SC_CLK_TCK);
}
