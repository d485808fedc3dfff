using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Copies within this process, of memory that is the caller's and not to be trusted to stay.</summary>
internal static unsafe class OwnMemory
{
    /// <summary>
    /// Gathers segments; 0 or errno. Through the kernel, so that memory which was unmapped against the rules, or a mapped file which somebody
    /// truncated, is an error and not the end of the process; where the call is denied, as any copy is made.
    /// </summary>
    public static int Copy(ReadOnlySpan<iovec> segments, byte* destination)
    {
        foreach (iovec segment in segments)
        {
            nuint copied = 0;
            while (copied < segment.iov_len)
            {
                iovec from = new(segment.iov_base + copied, segment.iov_len - copied);
                iovec to = new((nuint)destination, from.iov_len);
                SysResult r = Uio.process_vm_readv(ProcessIdentity.Pid, &to, 1, &from, 1);
                if (r.Errno is Errno.EPERM or Errno.ENOSYS)
                    VectorCopy.Copy((byte*)from.iov_base, destination, (long)from.iov_len);
                else if (r.Value <= 0)
                    return r.Succeeded ? Errno.EFAULT : r.Errno;
                nuint n = r.Succeeded ? (nuint)r.Value : from.iov_len;
                copied += n;
                destination += n;
            }
        }

        return 0;
    }
}
