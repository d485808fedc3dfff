using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>Parts of the payload, written to where a receiver has posted them. Under <see cref="Gate"/>.</summary>
internal sealed unsafe partial class AttachedSend
{
    // As in a pull: segments in one call that the kernel keeps on its stack, or in one small allocation.
    private const int MaxSegments = 15;

    private int _pushing;

    /// <summary>True for one caller until <see cref="BeginPush"/>: it is to start a push.</summary>
    public bool TryAskForPush() => Interlocked.Exchange(ref _pushing, 1) == 0;

    /// <summary>On a thread of the pool: writes what receivers have posted.</summary>
    void IThreadPoolWorkItem.Execute() => Queue.Push(this);

    /// <summary>From here on a new posting is to start a new push: this one may have looked already.</summary>
    public void BeginPush() => Interlocked.Exchange(ref _pushing, 0);

    /// <summary>Into another process, and behind each part the nonce to where the receiver looks for it. 0 or errno.</summary>
    public int PushPart(int pid, long offset, iovec there, nuint landing, nuint nonce)
    {
        iovec* local = stackalloc iovec[MaxSegments + 1];
        iovec* remote = stackalloc iovec[2];
        (int segment, nuint skip) = Find(offset);
        while (there.iov_len > 0)
        {
            int count = 0;
            nuint total = 0;
            nuint from = skip;
            for (int s = segment; count < MaxSegments && total < there.iov_len; s++, from = 0)
            {
                nuint n = Math.Min(_segments[s].iov_len - from, there.iov_len - total);
                local[count++] = new iovec(_segments[s].iov_base + from, n);
                total += n;
            }

            local[count++] = new iovec(nonce, ParticipantLayout.NonceLength);
            remote[0] = new iovec(there.iov_base, total);
            remote[1] = new iovec(landing, ParticipantLayout.NonceLength);
            SysResult r = Uio.process_vm_writev(pid, local, count, remote, 2);
            if (!r.Succeeded)
                return r.Errno;

            // Short counts are normal, cut at a page; the nonce comes last, so the last call for each part has it.
            nuint came = Math.Min((nuint)r.Value, total);
            if (came == 0 || (came == total && r.Value != (nint)total + ParticipantLayout.NonceLength))
                return Errno.EFAULT;
            there = new iovec(there.iov_base + came, there.iov_len - came);
            Advance(ref segment, ref skip, came);
        }

        return 0;
    }

    /// <summary>Within this process, where the kernel may not be asked to. <paramref name="wanted"/>: of how much this is a part.</summary>
    public void CopyPart(long offset, iovec there, long wanted)
    {
        (int segment, nuint skip) = Find(offset);
        while (there.iov_len > 0)
        {
            nuint n = Math.Min(_segments[segment].iov_len - skip, there.iov_len);
            StreamingCopy.Copy((byte*)(_segments[segment].iov_base + skip), (byte*)there.iov_base, (long)n, wanted, isOnly: true);
            there = new iovec(there.iov_base + n, there.iov_len - n);
            Advance(ref segment, ref skip, n);
        }
    }

    private (int Segment, nuint Skip) Find(long offset)
    {
        int segment = 0;
        nuint skip = 0;
        Advance(ref segment, ref skip, (nuint)offset);
        return (segment, skip);
    }

    private void Advance(ref int segment, ref nuint skip, nuint by)
    {
        while (by > 0)
        {
            nuint left = _segments[segment].iov_len - skip;
            if (by < left)
            {
                skip += by;
                return;
            }

            by -= left;
            segment++;
            skip = 0;
        }
    }
}
