using OneCopy.Interop;

namespace OneCopy.IO;

/// <summary>Growth of a file with blocks that are its own from then on: a full file system says so here, and not by SIGBUS.</summary>
internal static unsafe class FileGrowth
{
    public static long LengthOf(int fd, string name)
    {
        Stat.Of(fd, out statx status).OrThrow("statx", name);
        return (long)status.stx_size;
    }

    /// <summary>Allocates a range and makes the file longer where the range is behind its end. On failure the file's length and contents are as they were.</summary>
    /// <param name="fd">Open for writing, and kept open.</param>
    /// <param name="from">The first byte to allocate.</param>
    /// <param name="to">The end.</param>
    /// <param name="name">For messages.</param>
    public static void Grow(int fd, long from, long to, string name)
    {
        if (to <= from)
            return;

        // First the blocks, then the length: some file systems would keep the length that they came to. And never ftruncate to the new
        // length: if somebody else made the file longer meanwhile, that would cut it.
        long before = LengthOf(fd, name);
        SysResult r = FileControl.fallocate(fd, FileControl.FALLOC_FL_KEEP_SIZE, from, to - from);
        if (r.Succeeded)
            r = FileControl.fallocate(fd, 0, from, to - from);
        if (r.Errno is Errno.EOPNOTSUPP or Errno.ENOSYS)
            r = WriteZeros(fd, before, to);
        if (r.Succeeded)
            return;

        // Blocks behind the end are given back.
        if (r.Errno is Errno.ENOSPC or Errno.EDQUOT && LengthOf(fd, name) is long now && (now == before || now < to))
            FileControl.ftruncate(fd, before);
        r.OrThrow("fallocate", name, AdviceFor(r.Errno));
    }

    /// <summary>For file systems that cannot allocate: what is behind the end is written; a hole before it stays one.</summary>
    private static SysResult WriteZeros(int fd, long from, long to)
    {
        byte[] zeros = new byte[(int)Math.Min(1 << 20, Math.Max(0, to - from))];
        fixed (byte* p = zeros)
        {
            while (from < to)
            {
                SysResult r = Fcntl.pwrite(fd, p, (nuint)Math.Min(zeros.Length, to - from), from);
                if (r.Errno == Errno.EINTR)
                    continue;
                if (!r.Succeeded)
                    return r;
                from += r.Value;
            }
        }

        return SysResult.Ok();
    }

    private static string? AdviceFor(int errno) => errno switch
    {
        Errno.ENOSPC => "The file system has no such room: make some. The file is as it was.",
        Errno.EBADF or Errno.EINVAL => "Was the file opened for writing?",
        Errno.EPERM => "The file is sealed against growing, immutable or append-only.",
        Errno.EFBIG => "Longer than the file system or the process's limit (RLIMIT_FSIZE) allows.",
        _ => null,
    };
}
