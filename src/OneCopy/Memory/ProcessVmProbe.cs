using System.Security.Cryptography;
using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>
/// Whether process_vm_readv(2) and process_vm_writev(2) work in this process at all. Touching oneself is always permitted, so a
/// refusal is a seccomp filter's (or a kernel's that has no such call); and the value is compared, since a filter can also
/// answer "success" and do nothing.
/// </summary>
internal static unsafe class ProcessVmProbe
{
    public static bool IsBlocked(out int errno) => IsBlocked(TransferDirection.Read, out errno);

    public static bool IsWriteBlocked(out int errno) => IsBlocked(TransferDirection.Write, out errno);

    public static bool IsBlocked(TransferDirection direction, out int errno)
    {
        ulong source;
        RandomNumberGenerator.Fill(new Span<byte>(&source, sizeof(ulong)));
        ulong copy = ~source;
        bool read = direction == TransferDirection.Read;
        iovec local = new((nuint)(read ? &copy : &source), sizeof(ulong));
        iovec remote = new((nuint)(read ? &source : &copy), sizeof(ulong));
        SysResult r = read
            ? Uio.process_vm_readv(Environment.ProcessId, &local, 1, &remote, 1)
            : Uio.process_vm_writev(Environment.ProcessId, &local, 1, &remote, 1);
        errno = r.Succeeded && copy != source ? Errno.ENOSYS : r.Errno;
        return errno != 0;
    }
}
