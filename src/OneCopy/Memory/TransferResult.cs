namespace OneCopy;

/// <summary>On which side a transfer met memory that it could not use.</summary>
public enum TransferFault
{
    /// <summary>Nowhere: everything that the shorter side asked for was transferred.</summary>
    None,

    /// <summary>In the target: not mapped there, without the permission needed, or behind the end of a mapped file.</summary>
    Remote,

    /// <summary>In this process: a <see cref="LocalSegment"/> that is not mapped, or that may not be read or written.</summary>
    Local,
}

/// <summary>The exact outcome of a transfer: what arrived, and where it ended if that was not the end.</summary>
/// <param name="Bytes">Bytes transferred, in the segments' order, from the first one on.</param>
/// <param name="Fault">The side that ended the transfer early, if one did.</param>
/// <param name="FaultAddress">The first address that could not be used, as the process of that side sees it; null without a fault.</param>
public readonly record struct TransferResult(long Bytes, TransferFault Fault, nuint? FaultAddress)
{
    /// <summary>Whether everything that the shorter side asked for was transferred.</summary>
    public bool IsComplete => Fault == TransferFault.None;
}

/// <summary>The way that bytes take between the two processes.</summary>
public enum TransferMethod
{
    /// <summary>process_vm_readv(2) and process_vm_writev(2): one copy, many segments in a call.</summary>
    ProcessVm,

    /// <summary>
    /// pread(2) and pwrite(2) on /proc/PID/mem, where a seccomp filter blocks the calls above: the same rights are needed, the
    /// kernel goes through a page of its own (two copies), and each segment is a call.
    /// </summary>
    ProcMem,
}
