/* Loaded before libc (LD_PRELOAD): a server that insists on listening on every interface listens on the loopback only. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*bind_function)(int, const struct sockaddr *, socklen_t);

int bind(int socket, const struct sockaddr *address, socklen_t length) {
    bind_function next = (bind_function)dlsym(RTLD_NEXT, "bind");
    struct sockaddr_storage copy;

    if (address == NULL || length > sizeof copy)
        return next(socket, address, length);
    memcpy(&copy, address, length);
    if (copy.ss_family == AF_INET && ((struct sockaddr_in *)&copy)->sin_addr.s_addr == htonl(INADDR_ANY))
        ((struct sockaddr_in *)&copy)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (copy.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&((struct sockaddr_in6 *)&copy)->sin6_addr))
        ((struct sockaddr_in6 *)&copy)->sin6_addr = in6addr_loopback;
    return next(socket, (struct sockaddr *)&copy, length);
}
