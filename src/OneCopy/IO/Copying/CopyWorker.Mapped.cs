using OneCopy.Interop;
using OneCopy.IO;
using OneCopy.Memory;

namespace OneCopy;

/// <content>Two maps and one copy between them.</content>
internal sealed unsafe partial class CopyWorker
{
    /// <summary>
    /// Nothing here touches mapped memory: process_vm_readv on this process copies, and where a page of the source is gone (truncated) or one of the
    /// destination cannot be had, it says EFAULT after what it copied, where an access would end the process.
    /// </summary>
    private EngineOutcome RunMapped(long offset, long length)
    {
        long window = RoundToPages(options.WindowLength);
        long done = 0;
        while (done < length)
        {
            // Windows lie at multiples of their length; the first is shorter where the extent does not begin at one.
            long at = offset + done;
            long piece = Math.Min(length - done, window - (at % window));
            SysResult allocated = Allocate(at, piece);
            if (!allocated.Succeeded)
                return new EngineOutcome(done, allocated.Errno, "fallocate");
            EngineOutcome outcome = CopyWindow(at, piece);
            if (outcome.Copied > 0)
            {
                Add(at, outcome.Copied, CopyExtentKind.Data);
                done += outcome.Copied;
                Moved(outcome.Copied);
            }
            if (outcome.Copied < piece)
                return outcome with { Copied = done };
        }
        return new EngineOutcome(done, 0, null);
    }

    /// <summary>Room for the piece is allocated before it is mapped, so that a full file system is an errno, and the file is as long as its map.</summary>
    private SysResult Allocate(long offset, long length)
    {
        SysResult r = FileLength.fallocate(_destination, 0, offset, length);
        if (r.Errno is Errno.EOPNOTSUPP or Errno.ENOSYS)
            r = _reached < offset + length ? FileLength.ftruncate(_destination, offset + length) : SysResult.Ok();
        if (r.Succeeded)
            _reached = Math.Max(_reached, offset + length);
        return r;
    }

    private EngineOutcome CopyWindow(long offset, long length)
    {
        long first = offset & -_page;
        nuint mapped = (nuint)(offset - first + length);
        SysResult source = Mman.mmap(0, mapped, Prot.Read, Map.Shared | Map.NoReserve, _source, first);
        if (!source.Succeeded)
            return new EngineOutcome(0, source.Errno, "mmap", OfSource: true);
        try
        {
            SysResult destination = Mman.mmap(0, mapped, Prot.Read | Prot.Write, Map.Shared | Map.NoReserve, _destination, first);
            if (!destination.Succeeded)
                return new EngineOutcome(0, destination.Errno, "mmap");
            try
            {
                return CopyMapped((nuint)source.Value + (nuint)(offset - first), (nuint)destination.Value + (nuint)(offset - first), offset, length);
            }
            finally
            {
                Mman.munmap(destination.Value, mapped);
            }
        }
        finally
        {
            Mman.munmap(source.Value, mapped);
        }
    }

    private EngineOutcome CopyMapped(nuint source, nuint destination, long offset, long length)
    {
        long done = 0;
        while (done < length)
        {
            done += SelfCopy.Run(TransferDirection.Read, source + (nuint)done, destination + (nuint)done, (nuint)(length - done), out int errno);
            if (done == length)
                break;
            if (errno != Errno.EFAULT)
                return new EngineOutcome(0, errno, "process_vm_readv");

            // Either side. One byte by the calls that name their errors says which: it is the end, an error, or there was a passing shortage.
            byte one;
            SysResult r = Fcntl.pread(_source, &one, 1, offset + done);
            if (!r.Succeeded)
                return new EngineOutcome(done, r.Errno, "pread", OfSource: true);
            if (r.Value == 0)
                break;
            errno = Write(&one, 1, offset + done);
            if (errno != 0)
                return new EngineOutcome(done, errno, "pwrite");
            done++;
        }

        // The last page of a file goes on with zeros in memory, where a shorter file ends now.
        SysResult status = Stat.Of(_source, out statx now);
        if (!status.Succeeded)
            return new EngineOutcome(0, status.Errno, "statx", OfSource: true);
        return new EngineOutcome(Math.Clamp((long)now.stx_size - offset, 0, done), 0, null);
    }
}
