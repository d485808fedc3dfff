namespace OneCopy.Memory;

/// <summary>
/// What <c>lock</c> holds wherever a message may pass. By its monitor: a <see cref="Lock"/> makes an event when two threads meet at it for the first time, 56 bytes from the garbage collector; the monitor of an object none.
/// </summary>
internal sealed class MonitorLock;
