using System.Reflection;
using System.Text;

namespace OneCopy.Tests.Repository;

/// <summary>An assembly's public surface as text, one line a member, in an order that does not change by itself.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext s_nullability = new();

    public static string Of(Assembly assembly)
    {
        StringBuilder text = new();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(Describe(type)).Append('\n');
            IEnumerable<string> lines = type.GetMembers(Declared).Select(Describe).OfType<string>();
            foreach (string line in lines.Order(StringComparer.Ordinal))
                text.Append("    ").Append(line).Append('\n');
            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Describe(Type type)
    {
        string kind = type.IsEnum ? "enum" : type.IsValueType ? "struct" : type.IsInterface ? "interface"
            : type.IsAbstract && type.IsSealed ? "static class" : type.IsSealed ? "sealed class" : "class";
        IEnumerable<string> bases = (type.BaseType is { } b && b != typeof(object) && !type.IsValueType ? [Name(b)] : Array.Empty<string>())
            .Concat(type.IsEnum ? [] : type.GetInterfaces().Where(i => i.IsPublic).Select(Name).Order(StringComparer.Ordinal));
        string list = string.Join(", ", bases);
        return $"{kind} {Name(type)}{(list.Length == 0 ? "" : " : " + list)}";
    }

    private static string? Describe(MemberInfo member) => member switch
    {
        FieldInfo { IsPublic: true } f when f.DeclaringType!.IsEnum => f.IsStatic ? $"{f.Name} = {f.GetRawConstantValue()}" : null,
        FieldInfo { IsPublic: true } f => $"{(f.IsLiteral ? $"const {Name(f.FieldType)} {f.Name} = {f.GetRawConstantValue()}" : $"{Name(f.FieldType)} {f.Name}")}",
        ConstructorInfo c when IsVisible(c) => $"{Access(c)}.ctor({Parameters(c)})",
        MethodInfo m when IsVisible(m) && !m.IsSpecialName && !m.Name.Contains('$', StringComparison.Ordinal) =>
            $"{Access(m)}{(m.IsStatic ? "static " : "")}{Nullable(s_nullability.Create(m.ReturnParameter), m.ReturnType)} {m.Name}{Generic(m)}({Parameters(m)})",
        PropertyInfo p when p.GetMethod is { } g && IsVisible(g) =>
            $"{Access(g)}{(g.IsStatic ? "static " : "")}{Nullable(s_nullability.Create(p), p.PropertyType)} {p.Name} {{ get;{Setter(p)} }}",
        EventInfo e when IsVisible(e.AddMethod!) => $"event {Name(e.EventHandlerType!)} {e.Name}",
        _ => null,
    };

    private static bool IsVisible(MethodBase m) => m.IsPublic || m.IsFamily || m.IsFamilyOrAssembly;

    private static string Access(MethodBase m) => m.IsPublic ? "" : "protected ";

    private static string Setter(PropertyInfo p) => p.SetMethod is not { } s || !IsVisible(s) ? ""
        : s.ReturnParameter.GetRequiredCustomModifiers().Any(m => m.Name is "IsExternalInit") ? " init;" : " set;";

    private static string Generic(MethodInfo m) =>
        m.IsGenericMethod ? $"<{string.Join(", ", m.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Parameters(MethodBase m) => string.Join(", ", m.GetParameters().Select(p =>
        $"{(p.IsOut ? "out " : p.IsIn ? "in " : p.ParameterType.IsByRef ? "ref " : "")}{Nullable(s_nullability.Create(p), p.ParameterType)} {p.Name}{Default(p)}"));

    private static string Default(ParameterInfo p) => !p.HasDefaultValue ? "" : $" = {p.DefaultValue ?? "default"}";

    private static string Nullable(NullabilityInfo info, Type type) =>
        Name(type) + (!type.IsValueType && !type.IsByRef && info.ReadState == NullabilityState.Nullable ? "?" : "");

    private static string Name(Type type)
    {
        if (type.IsByRef || type.IsPointer || type.IsArray)
            return Name(type.GetElementType()!) + (type.IsPointer ? "*" : type.IsArray ? "[]" : "");
        if (System.Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        string name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
