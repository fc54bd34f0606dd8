#include "transport/refusal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

static bool is_refusal(struct msghdr *message) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
       part = CMSG_NXTHDR(message, part)) {
    struct sock_extended_err error;
    if (part->cmsg_level != IPPROTO_IP || part->cmsg_type != IP_RECVERR) continue;
    memcpy(&error, CMSG_DATA(part), sizeof error);
    if (error.ee_errno == ECONNREFUSED && error.ee_origin == SO_EE_ORIGIN_ICMP) return true;
  }
  return false;
}

/* The address is the one that the datagram was for; of its bytes none are wanted. */
bool th_refusal_next(int fd, struct sockaddr_in *address) {
  for (;;) {
    _Alignas(struct cmsghdr) unsigned char control[512];
    struct msghdr message = {.msg_name = address,
                             .msg_namelen = sizeof *address,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
    if (message.msg_namelen == sizeof *address && is_refusal(&message)) return true;
  }
}
